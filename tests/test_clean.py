"""Page furniture goes, the article stays word for word, and metadata is taken only where it stands."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.reading.clean import Cleaned, clean
from qa.reading.dates import parse_date

# Sentences of an article that mention what furniture is made of. None may be touched.
PROSE = """
Die Werbung für den Wehrdienst wurde verstärkt.
Werbung ist im staatlichen Fernsehen seit Jahren verboten.
Anzeige erstattete am Montag auch der Verband der Reeder.
Eine Anzeige wegen Landesverrats ging bei der Polizei ein.
Von Seoul aus flog er nach Warschau.
Von Anna Berger stammt der Entwurf des neuen Gesetzes.
Quelle der Angaben war ein Beamter.
Quelle: Ein Beamter des Ministeriums sagte am Abend, die Lieferung sei beschlossen.
Home Depot meldete einen Gewinn von drei Milliarden Dollar.
Unter das Foto schrieb sie: Wir kommen wieder.
Er schrieb unter das Foto: Wir siegen.
Das Foto: ein Geschenk des Botschafters an die Stadt.
Foto: Ein Bild zeigt den Minister mit Soldaten, wie die Agentur mitteilte.
Fotos zeigen Panzer am Rand der Stadt.
Das Bild zeigt eine zerstörte Brücke (rechts).
Der Newsletter der Regierung erschien zum letzten Mal.
Newsletter und Podcasts nutzen inzwischen viele Ministerien.
In Seoul bekommen sie den Großteil der Nachrichten aus dem Fernsehen.
Sie erhalten die Nachrichten über einen verschlüsselten Kanal.
Teilen der Armee fehlt es an Munition.
Teilen will das Land seine Erkenntnisse mit den Partnern.
Kommentare wollte das Ministerium dazu nicht abgeben.
Kommentar der Botschaft: Man prüfe den Vorgang.
Video-Aufnahmen belegen den Angriff auf das Lager.
Drucken lassen will die Partei zwei Millionen Flugblätter.
Mehr zum Thema Wehrpflicht will der Minister am Montag sagen.
Mehr aus Berlin war am Abend nicht zu erfahren.
Auch interessant ist die Frage nach den Kosten.
Lesen Sie auch die Bibel, fragte der Richter den Zeugen.
Weitere Informationen gibt es bislang nicht.
Weitere Nachrichten lesen die Soldaten nur selten.
Startseite des Portals war am Montag ein leeres Feld.
Das Interview wurde am Sonntag in Moskau veröffentlicht.
Die Meldung wurde zuerst von der Agentur Tass verbreitet.
Die Nachricht wurde am Montag um acht Uhr gesendet.
Über dieses Thema berichtete auch die Agentur Yonhap am Montag.
An dieser Stelle steht heute ein Denkmal.
Mit Informationen von Geheimdiensten arbeitet auch Seoul.
Nichts verpassen will auch die Konkurrenz aus Japan.
Was meinen Sie damit, Herr Präsident?
Der Copyright-Streit zwischen beiden Verlagen dauert an.
Copyright sei ein Recht der Urheber, sagte die Richterin.
Alle Rechte vorbehalten hat sich der Konzern nach eigenen Angaben.
Am 24. Oktober 2024 reiste er nach Seoul.
Der Stand vom 24.10.2024 gilt laut Ministerium weiter.
Veröffentlicht am 24. Oktober 2024 war der Bericht schon am Abend wieder gelöscht.
Schließen will die Regierung nur zwei der Häfen.
Senden darf der Kanal nur noch bis Mitternacht.
Cookies und Tee verteilte der Botschafter an die Wartenden.
Die Website verwendet Cookies, das rügte die Datenschützerin.
Zum selben Thema äußerte sich am Abend auch die Opposition.
Folgen Sie der Spur des Geldes, riet der Ermittler.
Advertising on state television was banned years ago.
An advertisement for recruits ran on every channel.
Share prices in Seoul fell by two percent on Monday.
Share this burden, the president told the allies.
Print media have lost half of their readers.
Read more slowly, she told the class, and the children laughed.
Related companies were searched by the police as well.
Related articles of the treaty were never ratified.
By Monday evening the bridge was closed.
By Lake Geneva the talks went on for three days.
Source of the figures was an official.
Photo evidence was shown to the court on Friday.
Photo: A picture shows the minister with soldiers, as the agency reported.
Subscribe to that theory or not, the numbers are real.
Sign up for the army, the posters said.
Newsletter readers learned of the plan first.
Listen to the recording, the lawyer urged the jury.
Follow our lead, the minister said in Brussels.
Comments by the minister caused anger in Moscow.
Published in 2019, the book became a bestseller.
Published 24 October 2024, the report was withdrawn within hours.
Copyright law does not cover the recordings.
All rights reserved for the state include mining and fishing.
This story was first published by the Times, which later withdrew it.
This report was first published by the UN in 2019.
Reporting by state media suggests that the deal is done.
By using the terms of the treaty, the court found a way out.
Have the emails been leaked by an insider?
Recommended by the panel, the plan passed quickly.
More from the fund is expected in March.
Loading the trucks took the soldiers two hours.
Cookies were handed to the children at the gate.
Login data of 3000 users were stolen, the office said.
Click here, said the message that infected the ministry.
YouTube, eBay und TikTok sperrten das Konto des Senders.
Der Dienst ntv.de und das Portal Spiegel.Online berichteten, dass iPhone-Daten von Dr.Müller um 14:17 Uhr fehlten.
Er zahlte 10.000 Euro, z.B. für Reisen, d.h. für Flüge mit der Bahn.tochter.
Experten nennen das Gerät K9 , andere nennen es anders .
""".strip().split("\n")

BODY_DE = [
    "Der Hafen von Nordstadt bleibt nach Angaben der Behörden bis Ende November zu, weil eine Brücke beschädigt ist.",
    "Die Reparatur kostet laut Bürgermeisterin Ada Berg rund 2,4 Millionen Euro. Das Geld kommt zur Hälfte vom Land.",
    "„Wir rechnen mit sechs Wochen“, sagte Berg am Montag vor Journalisten, die das Gelände besichtigen durften.",
    "Die Reeder weichen inzwischen auf den Hafen von Südstadt aus, der dafür zwei Liegeplätze freigeräumt hat.",
]
BODY_EN = [
    "The port of Northtown will stay closed until the end of November because a bridge is damaged, officials said.",
    "Repairs will cost about 2.4 million euros, according to Mayor Ada Berg. Half of the money comes from the state.",
    "“We expect six weeks of work,” Berg told reporters on Monday as they were shown around the site.",
    "Shipping companies have moved to the port of Southtown, which has cleared two berths for them.",
]
TITLE_DE = "Hafen von Nordstadt bleibt bis November gesperrt"
TITLE_EN = "Port of Northtown to stay closed until November"


def page(*blocks: str | list[str], gap: str = "\n") -> str:
    return gap.join(line for block in blocks for line in ([block] if isinstance(block, str) else block))


def check(cleaned: Cleaned, body: list[str], **expected: str | None) -> None:
    assert cleaned.text.split("\n\n") == body
    for field, value in expected.items():
        assert getattr(cleaned, field) == value, field
    again = clean(cleaned.text)
    assert again.text == cleaned.text


@pytest.mark.parametrize("sentence", PROSE)
def test_a_sentence_that_mentions_furniture_stays(sentence: str) -> None:
    for body in (BODY_DE, BODY_EN):
        for lines in ([sentence, *body], [*body[:2], sentence, *body[2:]], [*body, sentence], [sentence]):
            for gap in ("\n", "\n\n"):
                cleaned = clean(gap.join(lines))
                assert cleaned.text == "\n\n".join(lines)
                assert cleaned.removed == ()
                assert cleaned.title is cleaned.author is cleaned.outlet is cleaned.published is None


FURNITURE_TABLE = """
Werbung
WERBUNG
- Anzeige -
Anzeige
Ende der Anzeige
Advertisement
ADVERTISEMENT
Article continues below advertisement
Story continues below
Artikel anhören
Artikel anhören (5 Minuten)
Listen to this article
Listen to this article · 5 min
Lesezeit: 3 Min.
Lesezeit 3 Minuten
4 min read
Teilen
Artikel teilen
Diesen Artikel teilen Kommentare
Auf Facebook teilen
Per E-Mail versenden
Share this article
Share on Facebook
Facebook Twitter WhatsApp E-Mail
Teilen Drucken Merken
Link kopieren
Link kopiert!
Copy link
Copy to clipboard Copied
Den Link zum Einbetten des Videos kopieren Copy to clipboard Copied
Copy/paste the article video embed link below: Copied
Diesen Artikel teilen Close Button
Kommentare (12)
12 Kommentare
3 Comments
Leave a comment
Join the conversation
Zum Inhalt springen
Zu den Barrierefreiheitskürzeln springen
Skip to main content
Direkt zum Inhalt springen
Back to top
Nach oben
Mehr lesen
Read more
Newsletter
Newsletter abonnieren
Startseite
Jetzt abonnieren
Subscribe now
Home Politik Wirtschaft Sport Kultur
Newsletter Newsletters Events Veranstaltungen Podcasts Videos Nordnews
Von
By
Foto:
Quelle:
Zuerst veröffentlicht am
Published on
Loader
Finden Sie uns
Folgen Sie uns auf Facebook
Follow us on Instagram and X
Melden Sie sich hier für unseren Newsletter an.
Abonnieren Sie unseren täglichen Newsletter und verpassen Sie nichts!
Erhalten Sie die wichtigsten Nachrichten mit unserem Newsletter direkt in Ihr Postfach.
Jetzt den kostenlosen Newsletter abonnieren!
Keine Nachricht mehr verpassen!
Subscribe to our newsletter
Sign up for our daily newsletter and never miss a story.
Get the day's top stories in your inbox.
Wir verwenden Cookies, um Ihnen das beste Erlebnis zu bieten.
We use cookies to improve your experience on our site.
By continuing to use this site you agree to our use of cookies.
Alle akzeptieren
Accept all cookies
An dieser Stelle finden Sie einen externen Inhalt, der den Artikel ergänzt.
Ich bin damit einverstanden, dass mir externe Inhalte angezeigt werden.
Empfohlener redaktioneller Inhalt
Please enable JavaScript to view the comments.
Your browser does not support the audio element.
Haben Sie einen Fehler gefunden? Schreiben Sie uns.
Was meinen Sie? Diskutieren Sie mit!
Dieser Artikel erschien zuerst auf nordbote.de.
This article was originally published on The Northern Post.
Reporting by Jane Doe; editing by John Smith
Reporting by Jane Doe in Seoul and John Smith in Warsaw; Editing by Ann Lee
Our Standards: The Thomson Reuters Trust Principles.
Mit Material von dpa und AFP
Alle Rechte vorbehalten
All rights reserved.
(dpa/AFP)
dpa/AFP
© dpa-infocom, dpa:241024-930-268/1
(Foto: dpa)
Foto: Max Muster/dpa
Bild: picture alliance / dpa
Photo: Reuters/Kim Hong-ji
© AFP
Getty Images
IMAGO/SOPA Images
Symbolbild
Archivfoto
Bild vergrößern
***
---
https://example.org/artikel/123
#Hafen #Nordstadt
pic.twitter.com/abcDEF
Nordstadt Brücke. 12.00
Lesen Sie auch: Brücke in Nordstadt beschädigt
Lesen Sie auch | Brücke in Nordstadt beschädigt
Mehr zum Thema: Brücke in Nordstadt beschädigt
Auch interessant: Wie lange hält die Brücke noch?
Read more: Bridge in Northtown damaged
Read also: Bridge in Northtown damaged
Related: Bridge in Northtown damaged
ALSO READ | Bridge in Northtown damaged
"""


@pytest.mark.parametrize("line", FURNITURE_TABLE.strip().split("\n"))
def test_a_furniture_line_goes(line: str) -> None:
    for body in (BODY_DE, BODY_EN):
        for lines in ([line, *body], [*body[:2], line, *body[2:]], [*body, line]):
            for gap in ("\n", "\n\n"):
                check(clean(gap.join(lines)), body, title=None, published=None)


def test_menu_words_are_furniture_only_at_the_edges() -> None:
    for word in ("Wirtschaft", "Telegram", "Karriere", "Hintergrund", "Analysis", "Weather"):
        check(clean(page(BODY_DE[:2], word, BODY_DE[2:])), [*BODY_DE[:2], word, *BODY_DE[2:]])
        check(clean(page(word, BODY_DE)), BODY_DE, title=None)
    check(clean(page(BODY_DE, "Facebook", "Twitter", "Impressum")), BODY_DE)


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_german_page(gap: str) -> None:
    cleaned = clean(
        page(
            "Zum Inhalt springen",
            "Startseite » Politik » " + TITLE_DE,
            "Anzeige",
            TITLE_DE,
            "Stand: 24.10.2024, 14:17 Uhr",
            "Von Max Muster und Ada von der Heide, Nordstadt",
            "Ein Kran hebt Trümmer aus dem Hafenbecken.",
            "Foto: Jan Meier/dpa",
            BODY_DE[:2],
            "Lesen Sie auch",
            "Brücke in Nordstadt schwer beschädigt",
            BODY_DE[2],
            "Die Reeder weichen aus",
            BODY_DE[3],
            "Quelle: nordbote.de, mas/dpa/AFP",
            "Mehr zum Thema",
            "Wie sicher sind die Brücken im Land?",
            "Neuer Kran für den Südhafen",
            "© 2024 Nordbote Verlag GmbH. Alle Rechte vorbehalten.",
            gap=gap,
        )
    )
    check(
        cleaned,
        [*BODY_DE[:3], "Die Reeder weichen aus", BODY_DE[3]],
        title=TITLE_DE,
        published="2024-10-24T14:17",
        author="Max Muster und Ada von der Heide",
        outlet="nordbote.de",
    )


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_english_page(gap: str) -> None:
    cleaned = clean(
        page(
            "Skip to main content",
            "Home > World > Europe",
            TITLE_EN,
            "By Jane Doe, Northtown",
            "Published 24 October 2024",
            "Updated 25 October 2024",
            "Share this article",
            "Listen to this article · 4 min",
            "A crane lifts debris out of the harbour.",
            "Photo: Reuters/Kim Hong-ji",
            BODY_EN[:2],
            "Advertisement",
            "Read more: Bridge badly damaged",
            BODY_EN[2:],
            "Subscribe to our newsletter for more stories like this.",
            "Related articles",
            "Bridge in Northtown badly damaged",
            "Who pays for the bridge?",
            "© 2024 The Northern Post. All rights reserved.",
            gap=gap,
        )
    )
    check(
        cleaned,
        BODY_EN,
        title=TITLE_EN,
        published="2024-10-24",
        author="Jane Doe",
        outlet="The Northern Post",
    )


@pytest.mark.parametrize(
    ("line", "outlet"),
    [
        ("Quelle: ntv.de, gut/AFP/dpa/AP", "ntv.de"),
        ("Quelle: ZEIT ONLINE, dpa, AFP, ces", "ZEIT ONLINE"),
        ("Source: The Northern Post", "The Northern Post"),
        ("Source: Reuters", "Reuters"),
        ("Quelle: dpa/AFP", None),
        ("Copyright  euronews", "euronews"),
        ("Copyright AP Photo", None),
        ("© 2024 Der Nordbote. Alle Rechte vorbehalten", "Der Nordbote"),
        ("© Max Muster", None),
    ],
)
def test_outlet(line: str, outlet: str | None) -> None:
    check(clean(page(BODY_DE, line)), BODY_DE, outlet=outlet)


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("Von Max Muster", "Max Muster"),
        ("Von Sasha Lang & Mascha Wolf", "Sasha Lang & Mascha Wolf"),
        ("Von Max Muster, Seoul", "Max Muster"),
        ("Ein Kommentar von Ada van Berg", "Ada van Berg"),
        ("VON MAX MUSTER", "MAX MUSTER"),
        ("By Jane Doe and John Smith", "Jane Doe and John Smith"),
        ("By Jane Doe, Reuters", "Jane Doe"),
        ("By JANE DOE Associated Press", "JANE DOE"),
        ("Written by Jane O'Neil", "Jane O'Neil"),
        ("Autor: Max Muster", "Max Muster"),
        ("Aus Seoul berichtet Max Muster", "Max Muster"),
        ("Von Max Muster | 24.10.2024", "Max Muster"),
        ("Von dpa", None),
        ("Von", None),
        ("By", None),
    ],
)
def test_author(line: str, author: str | None) -> None:
    check(clean(page(TITLE_DE, line, BODY_DE)), BODY_DE, author=author, title=TITLE_DE)


@pytest.mark.parametrize(
    ("line", "published"),
    [
        ("24.10.2024, 14:17 Uhr Artikel anhören", "2024-10-24T14:17"),
        ("Veröffentlicht am 24. Oktober 2024 um 14.17 Uhr", "2024-10-24T14:17"),
        ("Donnerstag, 24. Oktober 2024", "2024-10-24"),
        ("Zuerst veröffentlicht am 24/10/2024 - 14:17 MESZ", "2024-10-24T14:17"),
        ("Published Oct. 24, 2024 Updated Oct. 25, 2024, 9:12 a.m. ET", "2024-10-24"),
        ("Thu 24 Oct 2024 14.17 CEST", "2024-10-24T14:17"),
        ("October 24, 2024 at 2:17 p.m. EDT", "2024-10-24T14:17"),
        ("Seoul, 24.10.2024", "2024-10-24"),
        ("Aktualisiert am 25.10.2024", None),
        ("Published 10/11/2024", None),
        ("31.02.2024", None),
    ],
)
def test_date(line: str, published: str | None) -> None:
    check(clean(page(TITLE_DE, line, BODY_DE)), BODY_DE, published=published, title=TITLE_DE)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "gestern",
        "2024",
        "13.2024",
        "99.99.2024",
        "2024-02-30",
        "24.10.2024, 25:99 Uhr",
        "3.10.2024.5",
        "x 24.10.2024",
    ],
)
def test_what_is_no_date_gives_none(value: str) -> None:
    assert parse_date(value) is None


@given(st.datetimes())
def test_printed_dates_are_read_back(moment) -> None:
    if moment.year < 1000:
        return
    day = moment.date().isoformat()
    minute = moment.isoformat(timespec="minutes")
    months = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September"]
    months += ["Oktober", "November", "Dezember"]
    assert parse_date(day) == day
    assert parse_date(minute) == minute
    assert parse_date(f"{moment.day}.{moment.month}.{moment.year}, {moment.hour}:{moment.minute:02} Uhr") == minute
    assert parse_date(f"{moment.day:02}. {months[moment.month - 1]} {moment.year}") == day


def test_title_is_taken_only_where_it_is_evident() -> None:
    check(clean(page(TITLE_DE, BODY_DE)), BODY_DE, title=TITLE_DE)
    check(clean(page(f'"Sechs Wochen" {TITLE_DE}', "24.10.2024", BODY_DE)), BODY_DE, title=f'"Sechs Wochen" {TITLE_DE}')
    check(clean(page("Wer zahlt die Brücke?", "Von Max Muster", BODY_DE)), BODY_DE, title="Wer zahlt die Brücke?")
    check(clean(page(BODY_DE)), BODY_DE, title=None)
    question = ["Wer zahlt die Brücke?", *BODY_DE]
    check(clean(page(question)), question, title=None)
    broken = [
        "Die Reparatur kostet laut der Bürgermeisterin und",
        "der Behörde rund 2,4 Millionen Euro, wie am Montag bekannt wurde.",
    ]
    check(clean(page(broken)), broken, title=None)
    check(clean(page("Nordstadt", TITLE_DE, "24.10.2024", BODY_DE)), BODY_DE, title=TITLE_DE)
    check(clean(page("Der Hafen in Not", TITLE_DE, BODY_DE)), BODY_DE, title=f"Der Hafen in Not: {TITLE_DE}")


def test_known_title_goes_from_the_head_and_no_other_is_guessed() -> None:
    cleaned = clean(page(TITLE_DE, "Was bisher bekannt ist", BODY_DE), title=TITLE_DE)
    assert cleaned.text.split("\n\n") == ["Was bisher bekannt ist", *BODY_DE]
    assert cleaned.title == TITLE_DE


def test_page_title_with_outlet() -> None:
    cleaned = clean(page(f"{TITLE_EN} | The Northern Post", TITLE_EN, BODY_EN))
    check(cleaned, BODY_EN, title=TITLE_EN, outlet="The Northern Post")


def test_sub_headings_and_quotes_stay() -> None:
    lines = [
        BODY_DE[0],
        "Seoul: Alle Optionen offen",
        BODY_DE[1],
        '"Söldner" im Osten',
        BODY_DE[2],
        "Wer zahlt?",
        BODY_DE[3],
    ]
    check(clean(page(lines)), lines)


def test_caption_goes_with_its_credit_but_not_a_paragraph() -> None:
    caption = "Die Brücke steht nun auf einem neuen Pfeiler."
    for credit in ("(Foto: IMAGO/SOPA Images)", "Foto: Max Muster/dpa", "© Reuters"):
        check(clean(page(TITLE_DE, "24.10.2024", caption, credit, BODY_DE)), BODY_DE, title=TITLE_DE)
        check(clean(page(BODY_DE[:2], caption, credit, BODY_DE[2:])), BODY_DE)
        check(clean(page(BODY_DE[:2], credit, BODY_DE[2:])), BODY_DE)
        check(clean(page(BODY_DE[:2], f"{caption} {credit}", BODY_DE[2:])), BODY_DE)
    long = " ".join(BODY_DE)
    check(clean(page(f"{long} (Foto: dpa)", BODY_DE)), [long, *BODY_DE])
    check(clean(page(f"{BODY_DE[0]} (Foto: dpa) {BODY_DE[1]}")), [f"{BODY_DE[0]} {BODY_DE[1]}"])


def test_caption_that_stands_twice() -> None:
    question = "Wie lange bleibt der Hafen zu?"
    cleaned = clean(
        page("Werbung", TITLE_DE, question, f"{question} Copyright  nordnews", "Copyright nordnews", BODY_DE)
    )
    check(cleaned, BODY_DE, title=TITLE_DE, outlet="nordnews")


def test_radio_transcript() -> None:
    signed = "Kim Bum-soo, KBS World Radio News."
    text = f"Foto: YONHAP Nachrichtensprecher: {BODY_DE[0]} Bericht: {BODY_DE[1]} {BODY_DE[2]} {signed}"
    check(
        clean(text),
        [BODY_DE[0], f"{BODY_DE[1]} {BODY_DE[2]}"],
        author="Kim Bum-soo",
        outlet="KBS World Radio",
        title=None,
    )
    text = f"[Anchor] {BODY_EN[0]} [Report] {BODY_EN[1]} Jane Doe, BBC News, Seoul."
    check(clean(text), BODY_EN[:2], author="Jane Doe", outlet="BBC News")


def test_related_list_ends_where_the_article_goes_on() -> None:
    links = ["Brücke in Nordstadt schwer beschädigt", "Wie sicher sind die Brücken?"]
    check(clean(page(BODY_DE[:3], "Mehr zum Thema", links, BODY_DE[3])), BODY_DE)
    check(clean(page(BODY_DE, "Das könnte Sie auch interessieren", links)), BODY_DE)
    teasers = [
        links[0],
        "Ein Schiff hat den Pfeiler gerammt und ist danach gesunken.",
        links[1],
        "Fachleute haben jede geprüft.",
    ]
    check(clean(page(BODY_DE, "Weitere Artikel", teasers)), BODY_DE)


@pytest.mark.parametrize(
    ("glued", "parts"),
    [
        (
            "Das will er liefern können.Nordstadt weist alles zurück.",
            ["Das will er liefern können. Nordstadt weist alles zurück."],
        ),
        (
            "Es hieß, dass es schlimmer werde.„Wir warten ab“, sagte er.",
            ["Es hieß, dass es schlimmer werde. „Wir warten ab“, sagte er."],
        ),
        ('Das sei "sehr ernst".Danach schwieg er.', ['Das sei "sehr ernst". Danach schwieg er.']),
        ('Er rief: "Wir gehen jetzt."Danach schwieg er.', ['Er rief: "Wir gehen jetzt." Danach schwieg er.']),
        ("Beide leben in den USA.Der Rest kam nach.", ["Beide leben in den USA. Der Rest kam nach."]),
        ("That was the end of 2024.The army left.", ["That was the end of 2024. The army left."]),
        (
            "Beide bestreiten das.Nordstadt weist Berichte über Truppen zurückDas Amt in Nordstadt schweigt dazu.",
            [
                "Beide bestreiten das.",
                "Nordstadt weist Berichte über Truppen zurück",
                "Das Amt in Nordstadt schweigt dazu.",
            ],
        ),
    ],
)
def test_glued_sentences_are_parted(glued: str, parts: list[str]) -> None:
    check(clean(page(BODY_DE, glued)), [*BODY_DE, *parts])


@pytest.mark.parametrize(
    "text",
    [
        "Das meldet Spiegel.Online am Montag und ntv.de am Dienstag.",
        "Siehe https://Example.Com/Some.Page und Bericht.Pdf im Ordner.",
        "Das U.S.Army Team und George W.Bush trafen Dr.Müller und Prof.Maier.",
        "Am 3.Oktober zahlte er 10.000 Euro, z.B.Miete.",
        "Die Plattform LinkedIn und die Dienste YouTube, TikTok und PayPal wachsen, auch McDonald und BioNTech.",
        "Der Aufruf System.Out.println steht in der Datei Main.Java.txt.",
    ],
)
def test_names_and_addresses_are_not_parted(text: str) -> None:
    check(clean(page(BODY_DE, text)), [*BODY_DE, text])


def test_nothing_and_only_furniture() -> None:
    assert clean("").text == ""
    assert clean("Werbung\n\nTeilen\n***").text == ""


WORDS = [word for sentence in [*PROSE, *BODY_DE, *BODY_EN] for word in sentence.strip(".?").split()]
FURNITURE = [
    "Werbung",
    "Artikel teilen",
    "Foto: dpa",
    "Von Max Muster",
    "24.10.2024, 14:17 Uhr",
    "Mehr zum Thema",
    TITLE_DE,
    "Home » A » B",
]
prose = st.lists(st.sampled_from(WORDS), min_size=9, max_size=30).map(
    lambda words: "Dabei " + " ".join(words).lower() + "."
)


@settings(max_examples=150, deadline=None)
@given(st.lists(prose, min_size=1, max_size=8))
def test_prose_comes_back_unchanged(sentences: list[str]) -> None:
    cleaned = clean("\n\n".join(sentences))
    assert cleaned.text.split("\n\n") == sentences
    assert cleaned.removed == ()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(prose | st.sampled_from([*FURNITURE, *PROSE, *BODY_DE]) | st.text(max_size=60), max_size=12),
    st.sampled_from(["\n", "\n\n"]),
)
def test_cleaning_twice_changes_nothing(lines: list[str], gap: str) -> None:
    once = clean(gap.join(lines)).text
    assert clean(once).text == once


PAGES = tomllib.loads((Path(__file__).parent / "data" / "pages.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", PAGES["page"], ids=lambda entry: entry["name"])
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_pages_in_the_habit_of_well_known_sites(entry: dict[str, Any], gap: str) -> None:
    body = PAGES[f"body_{entry['lang']}"]
    filled = re.sub(r"\{(\d)\}", lambda match: body[int(match[1])], entry["text"].strip())
    cleaned = clean(filled.replace("\n", gap))
    rest = cleaned.text
    for piece in [*body, *entry.get("extra", [])]:
        assert (piece in rest) == (piece in filled)
        rest = rest.replace(piece, "")
    assert rest.strip() == ""
    assert {name: getattr(cleaned, name) for name in ("title", "outlet", "published", "author")} == {
        name: entry.get(name) for name in ("title", "outlet", "published", "author")
    }
    assert clean(cleaned.text).text == cleaned.text


# --- the originals -------------------------------------------------------------------------------------------------

#: Marks of furniture in the originals, searched in the cleaned text.
MARKS = (
    r"»|Artikel anhören|\(?Foto:|WERBUNG|^Werbung$|Newsletter|Loader|Finden Sie uns|Copyright|^Von\b.*Wolf|^Von$|teilen|"
    r"Zuerst veröffentlicht|Close Button|kopieren|Barrierefreiheit|Zum selben Thema|VERWANDTE|Quelle:|KBS World|"
    r"Nachrichtensprecher:|^Bericht:|12\.00\b|14:17|Molotow|Radfahrer|Amtsenth|Könnte Südkorea die|ratifiziert auf"
)
#: Lines of the originals that are furniture as a whole, by their beginning or end.
FURNITURE_LINES = re.compile(
    r"Home »|Von$|Nordkorea Putin|VERWANDTE|.*Artikel anhören$|Die militärische Zusammenarbeit zwischen Russland und|"
    r"\(Foto:|Quelle:|Newsletter |Loader|Finden Sie uns|Werbung|WERBUNG|Könnte Südkorea die|Copyright|Von Sasha|Zuerst|"
    r"Diesen|Den Link|Zu den B|Zum selben|Abstimmung|Festnahme|Molotow"
)
LABELS = re.compile(r"Foto: YONHAP Nachrichtensprecher:|Bericht:|Kim Bum-soo, KBS World Radio News\.")
EXPECTED = {
    "000": (None, "KBS World Radio", None, "Kim Bum-soo"),
    "001": (r"Ukraine-Krieg: Südkorea schließt .* aus", None, None, None),
    "002": (None, None, None, None),
    "003": (r'"Alle Optionen .* in Russland an', "ntv.de", "2024-10-24T14:17", None),
    "004": (r"Nordkoreanische Truppen .* für Kiew", "euronews", None, "Sasha Vakulina & Mascha Wolf"),
}


@pytest.fixture(params=sorted(EXPECTED))
def original(request, shared: Path) -> tuple[str, str]:
    return request.param, next((shared / "articles").glob(f"{request.param}_*")).read_text(encoding="utf-8")


def test_no_furniture_of_the_originals_is_left(original: tuple[str, str]) -> None:
    text = clean(original[1]).text
    assert re.findall(MARKS, text, re.MULTILINE) == []


def test_no_sentence_of_the_originals_is_lost(original: tuple[str, str]) -> None:
    raw = original[1]
    cleaned = clean(raw)
    kept = re.sub(r"\s", "", cleaned.text)
    lines = [
        line for line in re.sub(r"[^\S\n]+", " ", raw).split("\n") if line.strip() and not FURNITURE_LINES.match(line)
    ]
    lines = [line for line in lines if not cleaned.title or re.sub(r"\s+", " ", line).strip() != cleaned.title]
    pieces = [piece for line in lines for part in LABELS.split(line) for piece in re.split(r"(?<=[.!?“”\"])\s+", part)]
    assert len(pieces) > 8
    assert [piece for piece in pieces if re.sub(r"\s", "", piece) not in kept] == []


def test_metadata_of_the_originals(original: tuple[str, str]) -> None:
    number, raw = original
    cleaned = clean(raw)
    title, *rest = EXPECTED[number]
    assert (cleaned.title is None) if title is None else re.fullmatch(title, cleaned.title or "")
    assert [cleaned.outlet, cleaned.published, cleaned.author] == rest


def test_the_originals_come_clean_at_once(original: tuple[str, str]) -> None:
    text = clean(original[1]).text
    assert clean(text).text == text
    assert not re.search(r"\n\n\n|[ \t]{2}|[ \t]$|^[ \t]", text, re.MULTILINE)


def test_glued_heading_of_the_third_original_is_a_paragraph(shared: Path) -> None:
    text = clean(next((shared / "articles").glob("002_*")).read_text(encoding="utf-8")).text
    assert any(re.fullmatch(r"Nordkorea weist .* zurück", paragraph) for paragraph in text.split("\n\n"))
    assert not re.search(r"[a-z]\.[A-Z„]|[a-z]Das ", text)
