"""The language of a story, as browsers and e-readers want it named.

https://www.rfc-editor.org/info/bcp47
"""

import re

UNKNOWN = "und"

_NAMES = {
    "ar": "arabic العربية",
    "bg": "bulgarian български",
    "ca": "catalan català",
    "cs": "czech čeština česky",
    "cy": "welsh cymraeg",
    "da": "danish dansk",
    "de": "german deutsch",
    "el": "greek ελληνικά",
    "en": "english",
    "es": "spanish español castellano",
    "et": "estonian eesti",
    "eu": "basque euskara",
    "fa": "persian farsi فارسی",
    "fi": "finnish suomi",
    "fr": "french français",
    "ga": "irish gaeilge",
    "gl": "galician galego",
    "he": "hebrew עברית",
    "hi": "hindi हिन्दी",
    "hr": "croatian hrvatski",
    "hu": "hungarian magyar",
    "id": "indonesian",
    "is": "icelandic íslenska",
    "it": "italian italiano",
    "ja": "japanese 日本語",
    "ko": "korean 한국어",
    "la": "latin",
    "lt": "lithuanian lietuvių",
    "lv": "latvian latviešu",
    "nl": "dutch nederlands flemish vlaams",
    "no": "norwegian norsk",
    "pl": "polish polski",
    "pt": "portuguese português",
    "ro": "romanian română",
    "ru": "russian русский",
    "sk": "slovak slovenčina",
    "sl": "slovene slovenian slovenščina",
    "sr": "serbian српски srpski",
    "sv": "swedish svenska",
    "sw": "swahili kiswahili",
    "th": "thai ไทย",
    "tr": "turkish türkçe",
    "uk": "ukrainian українська",
    "ur": "urdu اردو",
    "vi": "vietnamese việt",
    "yi": "yiddish ייִדיש",
    "zh": "chinese mandarin 中文 汉语 漢語",
}
_TAGS = {name: tag for tag, names in _NAMES.items() for name in names.split()}
_TAG = re.compile(r"[a-z]{2}(?:-[a-z0-9]{2,8})*", re.IGNORECASE)
_FROM_RIGHT = {"ar", "fa", "he", "ur", "yi"}


def tag_of(language: str) -> str:
    """A BCP 47 tag for a language by its name, in English or its own, or by its tag; `und` for
    others."""
    if _TAG.fullmatch(language):
        return language
    words = re.split(r"[\s,;/()-]+", language.casefold())
    return next((_TAGS[word] for word in words if word in _TAGS), UNKNOWN)


def direction(tag: str) -> str:
    """`rtl` for a language written from right to left, else `ltr`."""
    return "rtl" if tag.split("-")[0].lower() in _FROM_RIGHT else "ltr"
