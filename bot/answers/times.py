"""When to call again: spoken Chinese to a time, and a time to spoken Chinese. Pure.

A time is always in the future, on a full quarter of an hour (rounded up: never earlier than asked)
and inside the hours in which calls are made (rules: 09:00 to 21:00, a setting). What cannot be
placed for sure is None, and the caller is asked again; what is placed is read back to them.

Sensible defaults, all of them read back: a day alone is its 10:00; 上午 10:00, 中午 12:00,
下午 15:00, 傍晚 17:30, 晚上 19:00; 周末 is Saturday; 下周 alone its Monday; 随时, 都行, 一会儿 are
an hour from now, 现在 and 马上 a quarter; 明天这个时候 is tomorrow at this time. An hour without a
part of the day is the one in open hours (三点 = 15:00).
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.answers.numerals import NUMBER, arabic, clean, counted, hanzi, value

HORIZON = timedelta(days=60)  # nobody means a day further off
SOON = timedelta(hours=1)
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the day: when it is, what it stands for alone, hours that get 12 added."""

    since: int
    until: int
    alone: time
    afternoon: range


_MORNING = _Part(6, 12, time(10), range(0))
_NOON = _Part(11, 14, time(12), range(1, 3))
_AFTERNOON = _Part(12, 18, time(15), range(1, 12))
_DUSK = _Part(16, 19, time(17, 30), range(1, 12))
_EVENING = _Part(18, 24, time(19), range(5, 13))
_NIGHT = _Part(0, 6, time(0), range(0))  # 凌晨, 半夜: nobody is called then

_PARTS = {
    **dict.fromkeys(("早上", "早晨", "清早", "大早", "一早", "上午", "早"), _MORNING),
    **dict.fromkeys(("中午", "正午", "晌午"), _NOON),
    **dict.fromkeys(("下午", "午后", "后晌"), _AFTERNOON),
    **dict.fromkeys(("傍晚", "黄昏"), _DUSK),
    **dict.fromkeys(("晚上", "晚间", "夜里", "晚"), _EVENING),
    **dict.fromkeys(("凌晨", "半夜", "深夜"), _NIGHT),
}
_DAYS = {"今": 0, "明": 1, "后": 2, "大后": 3}
_WEEKDAYS = {**{str(n): n - 1 for n in range(1, 7)}, "天": 6, "日": 6, "末": 5}

_SOONISH = re.compile(
    r"随时|什么时候[都也]|[都也](?:行|可以|方便|有空|成)|(?:一会|等会|过会|待会)儿?|"
    r"晚点|(?<![今明后])晚一点|稍后"
)
_NOW = re.compile(  # a whole clause of these: 现在打不了 and 现在可以吗 are none
    r"(?:^|(?<=[，。,;；!！]))(?:就|那|嗯|好|你们?|您|我)*(?:现在|马上|立刻|立马|这会儿?)"
    r"(?:就|都|也|可以|行|能|成|方便|有空|有时间|好|打|来|过来|给我|吧|啊|呀|的|了|啦)*(?=[，。,;；!！]|$)"
)
_THIS_TIME = re.compile(rf"，的?(?:{'|'.join(_PARTS)})?(?:这个(?:时候|时间|点)|这时候|同[1一]时间)")
_BUSY = (
    r"(?<!不)(?<!不用)(?:开会|上[班课]|看病|出门|出差|[去在]医院|睡午?觉|午睡|[接带](?:孩子|孙.))"
    r"(?!完|以?[前后]|之[前后])|(?<![不没])忙(?!完|好)|有点?事|有安排|[要在](?:午休|休息)"
)
_NOT_THEN = re.compile(  # 明天三点不太方便, 三点要开会, 开会到三点, 除了明天
    r"除了?[^，。,;；!！?？都]*|"
    r"[^，。,;；!！?？吧]*?"
    r"(?:不[太大]?(?:行|方便|可以)|不一定|不好说|没有?[空时]|不在|别再?打|不[要用]再?打|[除以]外|"
    rf"{_BUSY})(?:到[^，。,;；!！?？]*)?"
)
_TONIGHT = re.compile(r"([今明后])([早晚])[上间]?")
_PART = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)))
_DAY = re.compile(r"(大后|今|明|后)[天日儿]")
_WEEKDAY = re.compile(r"(下下|下|这|本)?个?(?:周|星期|礼拜)([1-6天日末])")
_NEXT_WEEK = re.compile(r"下个?(?:周|星期|礼拜)")
_DATE = re.compile(rf"(?:(下)个?月|({NUMBER})月)?({NUMBER})[号日]")
_IN_DAYS = re.compile(rf"过({NUMBER}|两)天|({NUMBER}|两)天(?:以后|之后|后)")
_CLOCK = re.compile(
    rf"(?<![\d十])({NUMBER}|两)(?:点钟?|时(?![候间])|:(?=\d))(?:(半)|([13])刻|({NUMBER})分?)?(以?前|之前)?"
)
_AT = re.compile(rf"{_PART.pattern}|点")
_ON = re.compile(rf"{_DAY.pattern}|[下这本]*个?(?:周|星期|礼拜)[一二三四五六天日末]")
_IN_HOURS = re.compile(rf"({NUMBER}|两|半)个?(半)?(?:小时|钟头)(半)?")
_IN_MINUTES = re.compile(rf"({NUMBER})分钟|([1-3])刻钟")


def parse_when(
    text: str, now: datetime, *, open_hours: tuple[int, int] = (9, 21)
) -> datetime | None:
    """The time meant, in `now`'s zone; None if it is unclear, past, outside `open_hours` (first
    hour, hour at which calls have ended) or further off than `HORIZON`."""
    said = _wanted(clean(text).replace(" ", "").replace("半个小时", "半小时"))
    soon = QUARTER if _NOW.search(said) else SOON if _SOONISH.search(said) else None
    said = arabic(_TONIGHT.sub(r"\1天\2上", _SOONISH.sub("", said)))
    try:
        days, rest = _days(said, now.date())
    except ValueError:  # 二月三十号, 十三月一号
        return None
    clock, part = _CLOCK.search(rest), _PART.search(rest)
    if clock is None and (after := _after(rest)):
        return _opening(_quarter(now + after), open_hours)
    if not (clock or part or days):
        return _opening(_quarter(now + soon), open_hours) if soon else None
    if clock is None and _THIS_TIME.search(rest):  # stands after its day
        later = (day for day in days if day > now.date())
        candidates = (_quarter(datetime.combine(day, now.timetz())) for day in later)
    else:
        days = days or [now.date(), now.date() + timedelta(days=1)]
        candidates = (at for day in days for at in _on(day, clock, part and _PARTS[part[0]], now))
    found = next((at for at in candidates if at > now and _is_open(at, open_hours)), None)
    return found if found and found - now <= HORIZON else None


def spoken_slot(when: datetime, now: datetime) -> str:
    """明天下午三点; further off with the date: 下周一，十一月三十号，上午十点半."""
    return _spoken_day(when.date(), now.date()) + _spoken_time(when.time())


def _wanted(said: str) -> str:
    """What is said without what is refused: 明天上午上班，下午吧 is 明天，，下午吧."""
    wanted = _NOT_THEN.sub("，", said)
    refused = _NOT_THEN.search(said)
    if refused and _AT.search(refused[0]) and _AT.search(wanted) and not _ON.search(wanted):
        day = _ON.search(refused[0])
        return f"{day[0]}，{wanted}" if day else wanted
    return wanted


def _days(said: str, today: date) -> tuple[list[date], str]:
    """The days that may be meant, nearest first, and the text without them. Raises ValueError for
    a date that no calendar has."""
    monday = today - timedelta(days=today.weekday())
    if found := _IN_DAYS.search(said):
        number = found[1] or found[2]
        days = [today + timedelta(days=2 if number == "两" else value(number))]
    elif found := _DAY.search(said):
        days = [today + timedelta(days=_DAYS[found[1]])]
    elif found := _WEEKDAY.search(said):
        weeks = {"下下": [2], "下": [1], "这": [0], "本": [0], None: [0, 1]}[found[1]]
        on = monday + timedelta(days=_WEEKDAYS[found[2]])
        days = [on + timedelta(weeks=week) for week in weeks]
    elif found := _NEXT_WEEK.search(said):
        days = [monday + timedelta(weeks=1)]
    elif found := _DATE.search(said):
        days = _dates(found, today)
    else:
        return [], said
    return days, said[: found.start()] + "，" + said[found.end() :]


def _dates(found: re.Match[str], today: date) -> list[date]:
    """三号 is this or next month's, 三月三号 this or next year's; those that exist."""
    day, following = value(found[3]), (today.replace(day=1) + timedelta(days=31))
    if found[1]:
        months = [(following.year, following.month)]
    elif found[2]:
        months = [(today.year, value(found[2])), (today.year + 1, value(found[2]))]
    else:
        months = [(today.year, today.month), (following.year, following.month)]
    days = [date(*month, day) for month in months if 1 <= day <= monthrange(*month)[1]]
    if not days:
        raise ValueError("no such day")
    return days


def _after(said: str) -> timedelta:
    """半小时以后, 两个半小时后, 20分钟后; zero if nothing of the kind is said."""
    after = timedelta()
    if found := _IN_HOURS.search(said):
        hours = {"半": 0.5, "两": 2.0}.get(found[1]) or float(value(found[1]))
        after += timedelta(hours=hours + (0.5 if found[2] or found[3] else 0))
    if found := _IN_MINUTES.search(said):
        after += timedelta(minutes=value(found[1]) if found[1] else int(found[2]) * 15)
    return after


def _on(
    day: date, clock: re.Match[str] | None, part: _Part | None, now: datetime
) -> Iterator[datetime]:
    """The times of `day` that may be meant, likeliest first."""
    midnight = datetime.combine(day, time(), now.tzinfo)
    if clock is None:
        alone = part.alone if part else time(10)
        yield midnight + timedelta(hours=alone.hour, minutes=alone.minute)
        soon = _quarter(now + SOON)
        if soon.date() == day and (part is None or part.since <= soon.hour < part.until):
            yield soon
    elif not clock[5]:  # 三点以前 is no time to call at
        minute = 30 if clock[2] else 15 * int(clock[3]) if clock[3] else value(clock[4] or "0")
        for hour in _hours(2 if clock[1] == "两" else value(clock[1]), part):
            if hour < 24 and minute < 60:
                yield _quarter(midnight + timedelta(hours=hour, minutes=minute))


def _hours(hour: int, part: _Part | None) -> tuple[int, ...]:
    if part:
        return (hour + 12 if hour in part.afternoon else hour,)
    if hour < 9:
        return (hour + 12,)
    return (hour, hour + 12) if hour < 12 else (hour,)


def _quarter(at: datetime) -> datetime:
    """The next full quarter of an hour, or `at` itself if it is one."""
    past = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at + (QUARTER - past if past else timedelta())


def _is_open(at: datetime, open_hours: tuple[int, int]) -> bool:
    return open_hours[0] <= at.hour < open_hours[1]


def _opening(at: datetime, open_hours: tuple[int, int]) -> datetime:
    """`at`, or if calls are not made then the next time that they are."""
    if _is_open(at, open_hours):
        return at
    day = at if at.hour < open_hours[0] else at + timedelta(days=1)
    return day.replace(hour=open_hours[0], minute=0)


def _spoken_day(day: date, today: date) -> str:
    away = (day - today).days
    if 0 <= away <= 2:
        return ("今天", "明天", "后天")[away]
    weeks = (
        day - timedelta(days=day.weekday()) - today + timedelta(days=today.weekday())
    ).days // 7
    week = {0: "这", 1: "下"}.get(weeks)
    named = f"{week}周{'一二三四五六日'[day.weekday()]}，" if week else ""
    return f"{named}{hanzi(day.month)}月{hanzi(day.day)}号，"


def _spoken_time(at: time) -> str:
    part = "上午" if at.hour < 12 else "中午" if at.hour == 12 else "下午"
    part = "晚上" if at.hour >= 18 else part
    hour = counted(at.hour if at.hour <= 12 else at.hour - 12)
    minutes = {0: "", 15: "一刻", 30: "半"}.get(at.minute, hanzi(at.minute) + "分")
    return f"{part}{hour}点{minutes}"
