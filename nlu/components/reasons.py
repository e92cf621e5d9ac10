"""Why an utterance was taken as it was, in the words of the record, and what the reasons have in
common."""

from __future__ import annotations

MUFFLED, OTHERWISE, SOUNDS_LIKE_NO = "听得不够清楚", "声音和文字不一致", "读音和否定一样"
UNSURE, NOISY = "文字像是，分类器不同意", "背景太吵，请按键"
LOST_NO = "可能漏听了不或没"
ASKED = "嘛和吗读音一样，可能是反问"
BESIDE = "答非所问"
UNLIKE = "逐音听到的不是这几个字"
WHICH, LIKE_NO = "有否定词，但说不准否定什么", "有个字读音像不或没"
STRANGE, NOTHING, GUESSED, FOREIGN = "有听不懂的词", "没有听懂", "分类器", "不是中文"
SILENCE = "什么也没听到"
UNREAD = (STRANGE, NOTHING, GUESSED, FOREIGN)
"""The words as they were written decided nothing: they may be read by their sound."""
DOUBTS = (ASKED, BESIDE, UNLIKE, MUFFLED, OTHERWISE, SOUNDS_LIKE_NO, UNSURE, NOISY, LOST_NO)
"""The words were an answer, only the sound or what it answers was doubtful: no request may be made
of them."""
DENIED = (*UNREAD, WHICH, LIKE_NO, LOST_NO)
"""The words as they were written may have been a no."""
