"""Words and habits that both worlds share: problems, ids, vocabulary, the embedded store. Pure but for `database`."""
