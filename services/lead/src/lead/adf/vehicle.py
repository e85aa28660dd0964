"""One `<vehicle>` node to a `Vehicle`."""

from collections.abc import Mapping

from lead.adf.fields import (
    take,
    take_amount,
    take_attribute,
    take_blocks,
    take_child,
    take_choice,
    take_ids,
    take_line,
)
from lead.adf.model import Amount, Colours, Finance, Note, Odometer, Option, Vehicle
from lead.adf.tree import Node
from lead.adf.values import fold, read_mileage, read_year
from roadbook.identifiers import Vin, check_vin

COMMENTS = ("comments", "comment", "notes", "note", "message")
_INTERESTS = {i: i for i in ("buy", "lease", "sell", "trade-in", "test-drive")} | {
    **dict.fromkeys(("tradein", "trade in", "trade", "置换"), "trade-in"),
    **dict.fromkeys(("testdrive", "test drive", "试驾"), "test-drive"),
}
_CONDITIONS = {s: s for s in ("new", "used", "cpo")} | {
    "certified": "cpo",
    "certified pre-owned": "cpo",
    "pre-owned": "used",
}
_STATES = {c: c for c in ("excellent", "good", "fair", "poor", "unknown")}
_ODOMETER_STATES = {c: c for c in ("unknown", "rolledover", "replaced", "original")}
_PRICES = {p: p for p in ("quote", "offer", "msrp", "invoice", "call", "appraisal", "asking")}
_AMOUNTS = {a: a for a in ("downpayment", "monthly", "total")}
_BALANCES = {b: b for b in ("finance", "residual")}


def take_vehicle(node: Node, at: str, notes: list[Note]) -> Vehicle:
    """Takes the vehicle's fields; what is doubtful is added to `notes`."""
    vin = _take_vin(node, at, notes)
    prices = _take_amounts(node, f"{at}.prices", _PRICES, "price")
    if any(price.minor is None and price.delta != "percentage" for price in prices):
        notes.append(Note("price_uncertain", node.path))
    return Vehicle(
        interest=take_choice(node, f"{at}.interest", _INTERESTS, "interest") or "buy",
        status=take_choice(node, f"{at}.status", _CONDITIONS, "status"),
        ids=take_ids(node, f"{at}.ids"),
        year=_take_year(node, f"{at}.year", notes),
        make=take_child(node, f"{at}.make", "make", "brand"),
        model=take_child(node, f"{at}.model", "model"),
        vin=vin,
        stock=take_child(node, f"{at}.stock", "stock", "stocknumber"),
        trim=take_child(node, f"{at}.trim", "trim"),
        doors=take_child(node, f"{at}.doors", "doors"),
        body_style=take_child(node, f"{at}.body_style", "bodystyle", "bodytype"),
        transmission=take_child(node, f"{at}.transmission", "transmission"),
        condition=_take_condition(node, f"{at}.condition"),
        odometer=_take_odometer(node, f"{at}.odometer"),
        colours=_take_colours(node, f"{at}.colours"),
        images=_take_lines(node, f"{at}.images", "imagetag"),
        prices=prices,
        price_comments=take_blocks(node, f"{at}.price_comments", "pricecomments", "pricecomment"),
        options=_take_options(node, f"{at}.options"),
        finance=_take_finance(node, f"{at}.finance"),
        comments=take_blocks(node, f"{at}.comments", *COMMENTS),
    )


def _take_vin(node: Node, at: str, notes: list[Note]) -> Vin | None:
    raw = take_child(node, f"{at}.vin.raw", "vin")
    if raw is None:
        return None
    vin = check_vin(raw)
    notes += [Note(problem.code, f"{node.path}/vin") for problem in vin.problems]
    return vin


def _take_year(node: Node, field: str, notes: list[Note]) -> int | None:
    for child in node.nodes("year", "modelyear"):
        if not (texts := child.texts()):
            continue
        year = read_year(texts[0].text)
        if year is None:
            notes.append(Note("year_unreadable", child.path))
        elif fold(texts[0].text) == str(year):
            take(texts[0], field)
        return year
    return None


def _take_condition(node: Node, field: str) -> str | None:
    for child in node.nodes("condition"):
        texts = child.texts()
        if texts and (code := _STATES.get(fold(texts[0].text).lower())):
            take(texts[0], field)
            return code
    return None


def _take_odometer(node: Node, at: str) -> Odometer | None:
    for child in node.nodes("odometer", "mileage"):
        raw = take_line(child, f"{at}.raw") or take_child(child, f"{at}.raw", "value")
        if raw is None:
            continue
        attribute = child.attribute("units", "unit")
        element = next((leaf for inner in child.nodes("units", "unit") for leaf in inner.texts()), None)
        said = attribute or element
        value, units = read_mileage(raw, said.text if said else None)
        if said and fold(said.text).lower() == units:
            said.field = f"{at}.units"
        return Odometer(raw, value, units, take_choice(child, f"{at}.status", _ODOMETER_STATES, "status"))
    return None


def _take_colours(node: Node, field: str) -> tuple[Colours, ...]:
    found: list[Colours] = []
    for child in [*node.nodes("colorcombination", "colourcombination"), node]:
        at = f"{field}[{len(found)}]"
        outside = ("exteriorcolor", "exteriorcolour", "color", "colour")
        exterior = take_child(child, f"{at}.exterior", *outside)
        interior = take_child(child, f"{at}.interior", "interiorcolor", "interiorcolour")
        if exterior or interior:
            found.append(Colours(exterior, interior, take_child(child, f"{at}.preference", "preference")))
    return tuple(found)


def _take_amounts(node: Node, field: str, types: Mapping[str, str], *names: str) -> tuple[Amount, ...]:
    amounts: list[Amount] = []
    for child in node.nodes(*names):
        if amount := take_amount(child, f"{field}[{len(amounts)}]", types):
            amounts.append(amount)
    return tuple(amounts)


def _take_lines(node: Node, field: str, name: str) -> tuple[str, ...]:
    lines: list[str] = []
    for child in node.nodes(name):
        if line := take_line(child, f"{field}[{len(lines)}]"):
            lines.append(line)
    return tuple(lines)


def _take_options(node: Node, field: str) -> tuple[Option, ...]:
    return tuple(
        Option(
            take_child(child, f"{at}.name", "optionname", "name") or take_line(child, f"{at}.name"),
            take_child(child, f"{at}.manufacturer_code", "manufacturercode"),
            take_child(child, f"{at}.stock", "stock"),
            take_child(child, f"{at}.weighting", "weighting"),
            _take_amounts(child, f"{at}.prices", _PRICES, "price"),
        )
        for at, child in ((f"{field}[{i}]", child) for i, child in enumerate(node.nodes("option")))
    )


def _take_finance(node: Node, at: str) -> Finance | None:
    """The first `<finance>`; further ones stay in the remainder."""
    for child in node.nodes("finance"):
        return Finance(
            take_child(child, f"{at}.method", "method") or take_attribute(child, f"{at}.method", "method"),
            _take_amounts(child, f"{at}.amounts", _AMOUNTS, "amount"),
            _take_amounts(child, f"{at}.balances", _BALANCES, "balance"),
        )
    return None
