"""What trainings of any model share: the loop, its options and checkpoints, optimisers, averages, receipts.

Nothing here knows what is learnt; that is a `loop.Lesson`, which each model brings.
"""
