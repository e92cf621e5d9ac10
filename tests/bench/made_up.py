"""Made-up policies, to hear everything that varies from one to the next: names, products, dates,
amounts, percentages. The same hundred every time; nobody's, and no product that exists."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from bot.policies.policy import Policy, Product
from tests.unit.policies import examples

COMMON = (
    "王李张刘陈杨黄赵周吴徐孙朱马胡郭林何高梁郑罗宋谢唐韩曹许邓萧"
    "冯程蔡彭潘袁于董余苏叶吕魏蒋田杜丁沈姜范江傅钟卢汪戴崔"
)
TRICKY = "单 仇 区 解 查 曾 任 盖 葛 朴 翟 覃 缪 燕 尉迟 万俟 长孙 欧阳 司马 诸葛 令狐 上官".split()
GIVEN = (
    "秀兰 建国 梅 志强 桂英 海燕 重阳 朝霞 乐乐 长江 "
    "行健 晓曦 淑贞 宇轩 子涵 浩然 玉珍 德胜 思远 雪"
).split()
NAMES = (
    "长乐 长相伴 福满 聚宝 远航 传家 鑫享 悦享 臻爱 金玉满堂 "
    "岁岁红 朝阳 重阳 康乐 行稳 惠泽 尊享 安行 颐养 常青 "
    "乐享人生 增额宝 守护星 少年行 百岁 盈家 吉祥 如意 禧悦 恒泰"
).split()
KINDS = {
    Product.ORDINARY: ("终身寿险", "定期寿险", "两全保险", "增额终身寿险", "年金保险"),
    Product.PARTICIPATING: ("两全保险（分红型）", "终身寿险（分红型）", "养老年金保险（分红型）"),
    Product.UNIVERSAL: ("终身寿险（万能型）", "年金保险（万能型）"),
    Product.UNIT_LINKED: ("年金保险（投资连结型）", "终身寿险（投资连结型）"),
    Product.HEALTH: ("重大疾病保险", "医疗保险", "终身重疾险", "长期医疗保险", "防癌疾病保险"),
}
REGULAR = (
    "1200 1500.50 3000 3650 4800 5000 6200 8600 9999 10000 12000 15800 20500 36000 50000 102000"
).split()
RATES = "1 1.25 1.5 1.75 2 2.5".split()
SINGLE = "10000 50000 80000 100000 120000 200000 250000.80 300500 1000000 2020000".split()


def made_up(count: int = 100, seed: int = 7) -> Iterator[Policy]:
    """Each is an example policy with other values wherever a sentence speaks of one."""
    rng = random.Random(seed)
    kinds = list(Product)
    for number in range(count):
        product = kinds[number % len(kinds)]
        like = rng.choice([p for p in examples() if p.product == product])
        applied = date(2026, 1, 2) + timedelta(rng.randrange(330))
        holder = _name(rng, number)
        amount = rng.choice(SINGLE if like.payment == "single" else REGULAR)
        yield replace(
            like,
            number=f"{rng.randrange(10**12):012}",
            phone=f"13{rng.randrange(10**9):09}",
            holder=holder,
            insured=_name(rng, number + 1) if rng.random() < 0.3 else holder,
            gender=rng.choice(("male", "female")),
            birth_date=date(1938, 1, 1) + timedelta(rng.randrange(365 * 65)),
            product_name=f"安心{NAMES[number % len(NAMES)]}{rng.choice(KINDS[product])}",
            applied_on=applied,
            received_on=applied + timedelta(rng.randrange(1, 12)),
            cooling_off_days=rng.choice((10, 15, 15, 20, 30)),
            cooling_off_from=None,
            term=rng.choice(("终身", "10年", "20年", "30年", "至70周岁", "至88周岁", "至105周岁")),
            premium=Decimal(amount),
            premium_every=like.premium_every and rng.choice(("年", "半年", "季", "月")),
            guaranteed_rate=like.guaranteed_rate and Decimal(rng.choice(RATES)),
            waiting_days=like.waiting_days and rng.choice((30, 60, 90, 180)),
            premium_years=like.premium_years
            and rng.choice((1, 2, 3, 5, 6, 10, 12, 15, 19, 20, 30)),
        )


def _name(rng: random.Random, number: int) -> str:
    surname = TRICKY[number // 3 % len(TRICKY)] if number % 3 == 0 else rng.choice(COMMON)
    return surname + rng.choice(GIVEN)
