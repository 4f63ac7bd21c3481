"""How good a data set is, as pictures: coverage of poses, doubles, hard samples, labels, cameras."""
