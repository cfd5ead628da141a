"""Live cases: events in, changed decisions and deadlines out, each decision checked by a second derivation."""
