"""From facts to a ruling: cells, circuit, decision diagrams, regime, and the decision told from them."""
