"""How the second reader of `voice.listening.phones` was trained: `make reader`.

1. `speak`: synthetic callers say short answers, sentences of the training data and random words.
2. `listen`: each clip goes through the telephone, and Whisper's encoder looks at it.
3. `train`: a small network learns to spell what the encoder saw; writes voice/listening/phones.npz.

The voices that figures of short answers come from (tests/bench/callers.py) and two of the three
that thresholds were set with say nothing here. It took about an hour of two cores; nothing of it is
needed to use the product. Each run gives other weights of the same kind, to be measured anew.
"""
