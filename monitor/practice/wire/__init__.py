"""How each exchange speaks: rows, envelopes, codes and signatures; no arithmetic but rounding."""
