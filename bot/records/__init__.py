"""What becomes of callbacks on record: recovered, sealed, kept, erased."""
