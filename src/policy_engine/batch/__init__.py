"""Tables in, decisions out: whole files decided with the same answers as scenario by scenario."""
