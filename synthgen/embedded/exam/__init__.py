"""The examination of the embedded models on pictures that training never saw, and their model card.

One file a part, each with `examine(exam) -> Answer`, listed in `parts`; `scores` holds the measures,
`targets` what is to be reached, `ledger` keeps figures with a hash of the weights they belong to, `card`
writes the card.
"""
