"""How the second readers of `voice.listening.phones` were trained: `make reader`.

1. `speak`: synthetic callers say short answers, sentences of the training data and random words.
2. `listen`: each clip goes through the telephone, and the encoder of Whisper base or small looks.
3. `train`: a small network learns to spell what that encoder saw; writes its phones*.npz.

The voices that figures of short answers come from (tests/bench/callers.py) and two of the three
that thresholds were set with say nothing here. It takes about two hours of two cores; nothing of it
is needed to use the product. Each run gives other weights of the same kind, to be measured anew.
"""
