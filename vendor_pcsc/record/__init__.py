"""Transcripts of cards: recorded with secrets masked, replayed as a card, exported as a capture, compared.

::

    CardConnection -> Recorder -> Transcript <-> text (format_transcript, parse_transcript)
                                  Transcript -> ReplayConnection, to_pcap, compare

Guarantees: no PIN and no answer of an authentication is ever in a transcript. Format and rules: docs/transcripts.md.
"""

from vendor_pcsc.record.compare import Difference, compare
from vendor_pcsc.record.lines import format_transcript, parse_transcript, read_transcript
from vendor_pcsc.record.model import Comment, Exchange, Header, Redact, Reset, Transcript, TranscriptError
from vendor_pcsc.record.pcap import to_pcap
from vendor_pcsc.record.recorder import Recorder
from vendor_pcsc.record.replay import ReplayConnection, ReplayMode

__all__ = [
    "Comment",
    "Difference",
    "Exchange",
    "Header",
    "Recorder",
    "Redact",
    "ReplayConnection",
    "ReplayMode",
    "Reset",
    "Transcript",
    "TranscriptError",
    "compare",
    "format_transcript",
    "parse_transcript",
    "read_transcript",
    "to_pcap",
]
