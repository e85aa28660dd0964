"""Every dialect of ADF that the field is known to send, one fixture each, and what must be read of it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from lead.adf import Intake, Prospect, Unreadable, read

FOLDER = Path(__file__).parent / "fixtures" / "adf"
RECEIVED = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def intake(name: str) -> Intake:
    return read((FOLDER / name).read_bytes(), RECEIVED)


def only(name: str) -> Prospect:
    (prospect,) = intake(name).prospects
    assert isinstance(prospect, Prospect)
    return prospect


def codes(prospect: Prospect) -> set[str]:
    return {note.code for note in prospect.notes}


DIALECTS = [  # fixture, name, first e164 or e-mail, make, repairs
    ("03-upper-case-prolog.xml", "Chen Jing", "+8613912345678", "Volkswagen", set()),
    ("04-pi-before-declaration.xml", "Mei Wang", "Mei.Wang@example.com", "Skoda", set()),
    ("05-capitalised-elements.xml", "Zhou Min", "+8613812345678", "Audi", set()),
    ("06-tags-that-do-not-match.xml", "Sun Li", "+862161234567", "Buick", {"repaired_tags", "text_around_removed"}),
    ("07-namespaced.xml", "Gao Yuan", "gao@example.cn", "BMW", set()),
    ("08-undeclared-prefix.xml", "He Ping", "+8657188888888", None, set()),
    ("09-bare-prospect.xml", "Xu Fang", "+8613700001234", "Toyota", set()),
    ("10-comment-unit-cpo.xml", "Liu Yang", "liu@example.cn", "Lexus", set()),
    ("11-facts-only-in-cdata.xml", "李伟", "+8613812345678", "NIO", set()),
    ("12-prospect-in-cdata.xml", "Tang Wei", "+8618612345678", "Geely", {"unwrapped_from_text"}),
    ("13-html-mail-escaped-gbk-quoted-printable.eml", "孙悦", "+8613912345678", "奇瑞", {"unwrapped_from_text"}),
    ("14-plain-mail-base64.eml", "孙悦", "+8613912345678", "奇瑞", set()),
    (
        "16-html-document.html",
        "Ren Hao",
        "ren@example.cn",
        "Tesla",
        {"text_around_removed", "repaired_tags", "repaired_characters"},
    ),
    ("17-stray-text.xml", "Deng Na", "+8613512345678", "Honda", {"text_around_removed"}),
    ("18-curly-quotes.xml", "Jane Roe", "+12065550100", "Ford", {"text_around_removed", "repaired_tags"}),
    ("21-gb18030.xml", "朱镕基", "+8613912345678", "大众", set()),
    ("22-utf-16.xml", "赵敏", "+8613912345678", "大众", set()),
    ("22b-utf-16-without-mark.xml", "赵敏", "+8613912345678", "大众", set()),
    ("23-declared-utf-8-is-gbk.xml", "赵敏", "+8613912345678", "大众", {"encoding_not_as_declared"}),
    ("24-declared-gbk-is-utf-8.xml", "赵敏", "+8613912345678", "大众", {"encoding_not_as_declared"}),
    ("24b-utf-8-with-mark.xml", "赵敏", "+8613912345678", "大众", set()),
    ("25-nul-and-controls.xml", "赵敏", "+8613912345678", "大众", {"control_characters_removed"}),
    (
        "27-ampersands-and-entities.xml",
        "Peng & Sons",
        "p@example.cn",
        "Land Rover",
        {"repaired_tags", "repaired_characters"},
    ),
    ("28-parts-beside-prospect.xml", "Wu Tao", "+8615912345678", None, set()),
    ("29-soap-envelope.xml", "Luo Dan", "+8618812345678", None, set()),
    ("30-chinese.xml", "欧阳 娜娜", "+862161234567", "大众", set()),
    ("31-prospect-element-missing.xml", "Shen Yi", "+8613312345678", "Mini", {"prospect_element_missing"}),
]


@pytest.mark.parametrize(("name", "person", "reach", "make", "repairs"), DIALECTS, ids=[row[0] for row in DIALECTS])
def test_dialect(name: str, person: str, reach: str, make: str | None, repairs: set[str]) -> None:
    prospect = only(name)
    (contact,) = prospect.customer.contacts
    reached = {phone.phone.e164 for phone in contact.phones} | {email.email.value for email in contact.emails}
    assert contact.full_name() == person
    assert reach in reached
    assert (prospect.vehicles[0].make if prospect.vehicles else None) == make
    assert set(intake(name).repairs) == repairs


def test_every_fixture_is_in_a_test() -> None:
    elsewhere = {"01", "02", "15", "19", "20", "26", "32"}
    named = {row[0] for row in DIALECTS}
    assert {path.name for path in FOLDER.iterdir() if path.name[:2] not in elsewhere} == named


def test_sample_of_a_credit_lead() -> None:
    prospect = only("01-credit-lead-four-phones.xml")
    (contact,) = prospect.customer.contacts
    assert contact.full_name() == "John Test01292019"
    assert [(phone.type, phone.time, phone.preferred) for phone in contact.phones] == [
        ("voice", "morning", True),
        ("cellphone", "afternoon", False),
        ("pager", "evening", False),
        ("fax", "day", False),
    ]
    assert not any(phone.phone.valid for phone in contact.phones)
    assert contact.addresses[0].lines == ("6299 Airport Road",)
    assert contact.addresses[0].region_code == "ON"
    assert prospect.customer.comments[0].startswith("Date of Birth: 1980-11-17\n")
    assert prospect.request_date == datetime(2019, 1, 16, 0, 46, 36, tzinfo=UTC)
    assert prospect.request_date_raw == "2019-01-15T18:46:36-06:00"
    assert prospect.vehicles[0].status == "used"
    assert ("/adf[1]/prospect[1]/customer[1]/contact[1]/phone[1]/@type", "phone") in prospect.remainder


def test_sample_of_the_specification() -> None:
    prospect = only("02-minimal-spec-lead.xml")
    assert prospect.vendor is not None
    assert prospect.vendor.name() == "Acura of Bellevue"
    assert prospect.customer.contacts[0].phones[0].phone.e164 is None
    assert prospect.remainder == ()


def test_every_element_of_the_grammar() -> None:
    prospect = only("26-full.xml")
    wanted, traded = prospect.vehicles
    assert [(i.source, i.value, i.sequence) for i in prospect.ids] == [
        ("Full Sender", "FS-100", "1"),
        ("Portal", "PX-9", "2"),
    ]
    assert (wanted.year, wanted.trim, wanted.doors, wanted.body_style) == (2021, "45 TFSI", "4", "sedan")
    assert wanted.vin is not None
    assert wanted.vin.value == "LFV3A23C9SA000001"
    assert wanted.odometer is not None
    assert (wanted.odometer.value, wanted.odometer.units, wanted.odometer.status) == (35_000, "km", "original")
    assert [(c.exterior, c.interior, c.preference) for c in wanted.colours] == [
        ("white", "black", "1"),
        ("blue", None, "2"),
    ]
    assert [(p.type, p.minor, p.currency) for p in wanted.prices] == [
        ("asking", 26_800_000, "CNY"),
        ("offer", 25_800_000, "CNY"),
        ("quote", None, None),
        ("call", None, None),
    ]
    assert (wanted.options[0].manufacturer_code, wanted.options[0].prices[0].minor) == ("3FE", 980_050)
    assert wanted.finance is not None
    assert [(a.type, a.limit, a.minor) for a in wanted.finance.amounts] == [
        ("downpayment", "maximum", 8_000_000),
        ("monthly", "exact", 450_000),
    ]
    assert wanted.finance.balances[0].type == "residual"
    assert (traded.interest, traded.year) == ("trade-in", 2015)
    assert codes(prospect) == {"price_uncertain", "vin_check_digit"}
    assert prospect.customer.timeframe is not None
    assert prospect.customer.timeframe.earliest == date(2026, 12, 1)
    assert prospect.customer.timeframe.latest == date(2026, 12, 31)
    assert prospect.customer.comments == ("Has a dog.\nLikes\nwhite\n& blue.",)
    person, firm = prospect.customer.contacts
    assert person.full_name() == "Hua Li"
    assert firm.names[0].type == "business"
    assert [e.email.value for e in person.emails] == ["Li.Hua@example.cn", "lh@example.cn"]
    assert [(p.phone.e164, p.phone.extension, p.phone.linkable) for p in person.phones] == [
        ("+862161234567", "801", False),
        ("+8613912345678", None, True),
        ("+864008201234", None, False),
    ]
    assert prospect.provider is not None
    assert (prospect.provider.service, prospect.provider.name()) == ("Used cars", "Full Sender")


def test_chinese_dialect() -> None:
    prospect = only("30-chinese.xml")
    (vehicle,) = prospect.vehicles
    assert (vehicle.interest, vehicle.year) == ("trade-in", 2026)
    assert vehicle.prices[0].minor == 19_980_000
    assert vehicle.odometer is not None
    assert (vehicle.odometer.value, vehicle.odometer.units) == (35_000, "km")
    phones = [phone.phone for phone in prospect.customer.contacts[0].phones]
    assert [(phone.e164, phone.extension) for phone in phones] == [("+862161234567", "801"), ("+8613912345678", None)]
    assert prospect.customer.timeframe is not None
    assert prospect.customer.timeframe.description == "一个月内"


def test_a_time_without_offset_is_the_time_of_receipt_and_the_text_is_kept() -> None:
    prospect = only("04-pi-before-declaration.xml")
    assert prospect.request_date == RECEIVED
    assert prospect.request_date_raw == "2026-11-20T09:15:00"
    assert "request_date_without_offset" in codes(prospect)


@pytest.mark.parametrize(
    ("text", "expected", "note"),
    [
        ("Fri, 20 Nov 2026 09:15:00 +0800", datetime(2026, 11, 20, 1, 15, tzinfo=UTC), None),
        ("20261120T091500Z", datetime(2026, 11, 20, 9, 15, tzinfo=UTC), None),
        ("11/20/2026 04:30pm", RECEIVED, "request_date_without_offset"),
        ("2026-11-20", RECEIVED, "request_date_without_offset"),
        ("2099-01-01T00:00:00Z", RECEIVED, "request_date_implausible"),
        ("0001-01-01T00:00:00+14:00", RECEIVED, "request_date_implausible"),
        ("yesterday", None, "request_date_unreadable"),
        ("", None, "request_date_missing"),
    ],
)
def test_request_dates(text: str, expected: datetime | None, note: str | None) -> None:
    document = (
        f"<prospect><requestdate>{text}</requestdate><vehicle/><customer><name>A</name></customer><vendor/></prospect>"
    )
    (prospect,) = read(document.encode(), RECEIVED).prospects
    assert isinstance(prospect, Prospect)
    assert prospect.request_date == expected
    assert codes(prospect) == ({note} if note else set())


def test_facts_in_comments_fill_only_what_is_empty() -> None:
    prospect = only("11-facts-only-in-cdata.xml")
    assert prospect.from_text == (
        "customer.contacts[0].names",
        "customer.contacts[0].phones",
        "customer.contacts[0].emails",
        "vehicles[0].make",
        "vehicles[0].model",
        "vehicles[0].year",
    )
    assert "Date of Birth: 1988-02-29" in prospect.customer.comments[0]
    document = (
        (FOLDER / "11-facts-only-in-cdata.xml").read_text().replace('<name part="full">', '<name part="full">Given')
    )
    (told,) = read(document.encode(), RECEIVED).prospects
    assert isinstance(told, Prospect)
    assert told.customer.contacts[0].full_name() == "Given"
    assert told.customer.contacts[0].phones[0].phone.e164 == "+8613812345678"


def test_several_prospects_are_answered_one_by_one() -> None:
    first, second, third = intake("19-several-prospects.xml").prospects
    assert isinstance(first, Prospect)
    assert isinstance(third, Prospect)
    assert isinstance(second, Unreadable)
    assert (second.index, second.reason) == (2, "customer_missing")
    assert second.fragment.startswith("<prospect")
    assert "P-2" in second.fragment
    assert "P-1" not in second.fragment


def test_a_resend_is_the_same_prospect() -> None:
    first, _, third = intake("19-several-prospects.xml").prospects
    assert isinstance(first, Prospect)
    assert isinstance(third, Prospect)
    assert (first.status, third.status) == ("new", "resend")
    assert first.identity() == third.identity()
    assert first.content_digest == third.content_digest


def test_without_an_id_the_content_is_the_identity() -> None:
    document = (FOLDER / "02-minimal-spec-lead.xml").read_bytes()
    again = document.replace(b"<prospect>", b'<prospect status="resend">').replace(b"    ", b"\t")
    other = document.replace(b"John Doe", b"Jane Doe")
    identities = [read(each, RECEIVED).prospects[0] for each in (document, again, other)]
    same, resent, different = (each.identity() for each in identities if isinstance(each, Prospect))
    assert same == resent
    assert same != different


def test_the_same_id_of_another_provider_or_source_is_another_prospect() -> None:
    document = (FOLDER / "18-curly-quotes.xml").read_text()
    variants = [document, document.replace("Sample Provider</name>", "Other</name>"), document.replace("CQ-5", "CQ-6")]
    variants.append(document.replace("<year>1999", "<year>2000"))
    prospects = [read(each.encode(), RECEIVED).prospects[0] for each in variants]
    identities = [prospect.identity() for prospect in prospects if isinstance(prospect, Prospect)]
    assert len(set(identities)) == 3
    assert identities[0] == identities[3]  # same id, new content: told apart by content_digest
    assert len({prospect.content_digest for prospect in prospects if isinstance(prospect, Prospect)}) == 4


def test_a_broken_prospect_takes_no_other_with_it() -> None:
    first, second, third = intake("20-one-broken-prospect.xml").prospects
    assert isinstance(first, Prospect)
    assert isinstance(third, Prospect)
    assert isinstance(second, Unreadable)
    assert second.reason == "not_well_formed"
    assert "Broken Person" in second.fragment
    assert third.customer.contacts[0].full_name() == "Cao Xue"
    assert "between the two" in {text.strip() for _, text in intake("20-one-broken-prospect.xml").remainder}


@pytest.mark.parametrize("cut", [1, 20, 80])
def test_a_document_cut_short_loses_only_its_last_prospect(cut: int) -> None:
    document = (FOLDER / "32-two-envelopes.xml").read_bytes().rstrip()
    first, second = read(document[: -len(b"</prospect></adf>") - cut + 1], RECEIVED).prospects
    assert isinstance(first, Prospect)
    assert isinstance(second, Unreadable)
    assert second.fragment.startswith("<prospect>")


def test_two_envelopes_in_one_document() -> None:
    people = [
        p.customer.contacts[0].full_name() for p in intake("32-two-envelopes.xml").prospects if isinstance(p, Prospect)
    ]
    assert people == ["One Person", "Two Person"]


def test_a_mail_with_alternatives_and_an_attachment_gives_each_prospect_once() -> None:
    found = intake("15-mail-alternative-and-attachment.eml")
    ids = [prospect.ids[0].value for prospect in found.prospects if isinstance(prospect, Prospect)]
    assert ids == ["M-3", "M-4"]
    assert ("/mail/Subject", "New lead") in found.remainder
    assert "footer text\n" in dict(found.remainder).values() or any(
        "footer text" in text for _, text in found.remainder
    )


def test_a_picture_in_a_mail_is_not_text() -> None:
    document = (FOLDER / "15-mail-alternative-and-attachment.eml").read_bytes()
    with_picture = document.replace(
        b"Content-Type: text/plain\n\nfooter", b"Content-Type: image/png\n\n\x89PNG\0footer"
    )
    found = read(with_picture, RECEIVED)
    assert len(found.prospects) == 2
    assert with_picture != document
    assert not any("footer" in text for _, text in found.remainder)


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN">',
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">',
        '<!doctype html SYSTEM "about:legacy-compat">',
    ],
)
def test_the_doctype_of_a_web_page_is_no_dtd(doctype: str) -> None:
    document = (FOLDER / "16-html-document.html").read_text().replace("<!DOCTYPE html>", doctype)
    (prospect,) = read(document.encode(), RECEIVED).prospects
    assert isinstance(prospect, Prospect)


def test_parts_beside_a_lone_prospect_are_its_own() -> None:
    prospect = only("28-parts-beside-prospect.xml")
    assert prospect.vendor is not None
    assert prospect.vendor.vendor_name == "Toyota of Green Hill"
    assert prospect.customer.comments == ("call me",)
    assert [text for _, text in intake("28-parts-beside-prospect.xml").remainder if text == "bye"] == ["bye"]


def test_digest_and_determinism() -> None:
    for path in FOLDER.iterdir():
        first, second = read(path.read_bytes(), RECEIVED), read(path.read_bytes(), RECEIVED)
        assert first == second
        assert len(first.digest) == 64


@pytest.mark.parametrize(
    ("text", "currency", "minor", "code"),
    [
        ("199,800.00", "CNY", 19_980_000, "CNY"),
        ("199.800,50", "EUR", 19_980_050, "EUR"),
        ("¥19.98万", None, 19_980_000, "CNY"),
        ("1500", "JPY", 1500, "JPY"),
        ("1.234", "KWD", 1234, "KWD"),
        ("1.234", "CNY", None, "CNY"),  # three decimals or a thousands point: two readings
        ("$25,000", None, None, None),  # a dozen currencies
        ("US$25,000", None, 2_500_000, "USD"),
        ("25000", "XXX", None, None),
        ("call us", "CNY", None, "CNY"),
        ("９８００", "CNY", 980_000, "CNY"),
    ],
)
def test_money_is_certain_or_absent(text: str, currency: str | None, minor: int | None, code: str | None) -> None:
    attribute = f' currency="{currency}"' if currency else ""
    document = (
        f"<prospect><vehicle><price{attribute}>{text}</price></vehicle><customer><name>A</name></customer></prospect>"
    )
    (prospect,) = read(document.encode(), RECEIVED).prospects
    assert isinstance(prospect, Prospect)
    (price,) = prospect.vehicles[0].prices
    assert (price.raw, price.minor, price.currency) == (text, minor, code)
