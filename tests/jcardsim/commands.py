"""What is asked of both cards: commands that mean something, commands at their edges, and whole scripts."""

from __future__ import annotations

from tests.vendor_pcsc.cards import ADM1, NEW, PIN1, PIN2, PKCS15, SECOND, UNBLOCK1, USIM, USIM_PREFIX, WRONG
from tests.vendor_pcsc.gsm_cards import CHV2, UNBLOCK2

FILE_IDS = ["3F00", "7FFF", *(f"2F{number:02X}" for number in range(11)), "2FE2", "7F10", "5F50", "4F01", "6F3A"]
FILE_IDS += ["7F11", "7FF0", "6F06", "7F50", "6F07", "5031", "FFFF"]
PATHS = ["7F105F504F01", "7FFF6F07", "7FF06F07", "7FFF", "5F50", "3F002F00", "2F002F00", "7F50", "7F"]
AIDS = [USIM, SECOND, PKCS15, USIM_PREFIX, "A0", "F05343444D4653", "F0", PKCS15 + "00", USIM + "00"]


def with_data(header: str, data: str, le: str = "") -> str:
    return f"{header}{len(data) // 2:02X}{data}{le}"


SELECTS = [
    *(with_data("00A40004", file_id, "00") for file_id in FILE_IDS),
    *(with_data("00A4000C", file_id) for file_id in FILE_IDS),
    *(with_data(f"00A4{p1}04", path, "00") for path in PATHS for p1 in ("08", "09")),
    *(with_data(f"00A404{p2}", aid, "00") for aid in AIDS for p2 in ("04", "05", "06", "07", "0C", "44")),
    *(with_data("00A40104", file_id, "00") for file_id in ("7F10", "2F00", "5F50")),
    "00A4030400",
    "00A4030C",
    "00A40000",
    "00A4000400",
    with_data("00A40004", "2F00", "05"),
    with_data("00A40000", "2F00"),
]
READS = [
    *(f"00B0{p1p2}{le}" for p1p2 in ("0000", "0005", "0008", "00FF", "0258", "7FFF") for le in ("00", "05", "FF", "")),
    *(f"00B0{0x80 | sfi:02X}{offset}00" for sfi in (1, 2, 3, 5, 7, 0x1E, 0, 0x1F) for offset in ("00", "05")),
    "00B0A20000",
    *(f"00B2{p1}{p2:02X}{le}" for p1 in ("00", "01", "03", "04") for p2 in (2, 3, 4) for le in ("00", "01", "04", "")),
    *(f"00B2{p1}{0x1E << 3 | mode:02X}{le}" for p1 in ("00", "02") for mode in (2, 3, 4, 5) for le in ("00", "04")),
    *(f"00B200{8 << 3 | mode:02X}02" for mode in (2, 3, 4)),
    "00B200FC00",
    "00B2014C02",
]
UPDATES = [
    with_data("00D60000", "5566"),
    with_data("00D60258", "55"),
    with_data("00D60257", "5566"),
    with_data("00D68300", "778899"),
    "00D60000",
    with_data("00DC0003", "D1D2"),
    with_data("00DC0104", "D1D2"),
    with_data("00DC0002", "A1A2A3A4"),
    with_data("00DC02F4", "B1B2B3B4"),
    with_data("00DC02F4", "B1B2B3"),
]
PINS = [
    *(f"002000{reference}" for reference in ("01", "81", "0A", "02")),
    *(with_data("00200001", value) for value in (PIN1, WRONG, NEW, "31")),
    "0020000100",
    "0020000105",
    with_data("0020000A", ADM1),
    with_data("00200081", PIN2),
    with_data("00240001", PIN1 + NEW),
    with_data("00240001", NEW + PIN1),
    with_data("00260001", PIN1),
    with_data("0026000A", ADM1),
    with_data("00280001", PIN1),
    with_data("00280081", PIN2),
    with_data("00280081", WRONG),
    "002C0001",
    "002C000A",
    with_data("002C0001", UNBLOCK1 + PIN1),
    with_data("002C0001", WRONG + PIN1),
    with_data("00200101", PIN1),
]
CHANNELS = ["0070000001", "0070000000", "00700000", "00700002", "00700013", "00708001", "00708002", "01708000"]
OTHERS = [
    "80F2000000",
    "80F2010000",
    "80F2000C",
    "80F2000001",
    "80F2000100",
    "80F2000112",
    "80F2000101",
    "80F2000200",
    "00F2000000",
    "80F2030000",
    "00C0000000",
]
OTHERS += [
    "00C0000005",
    "80E0000000",
    "8002000002047F",
    "A0A40000023F00",
    "10A40004023F0000",
    "0CB0000000",
    "61B0000000",
]
OTHERS += ["40B0000000", "80A40004023F0000", "00FF0000", "00A4", "00B00000000001", "00A4000402", "0084000008"]
# What one command leaves behind for another.
SEQUENCES = [
    # A channel opened from another one takes its directory over, and its application.
    "0070000001",
    with_data("01A4000C", "7F10"),
    "0170000001",
    "82F2000000",
    with_data("02A40404", PKCS15, "00"),
    "0270000001",
    "83F2000000",
    "83F2000100",
    # A PIN is verified after it was changed, after it was unblocked, and not after a wrong value.
    with_data("00A4000C", "3F00"),
    with_data("00A4000C", "2F03"),
    with_data("00240001", PIN1 + NEW),
    "00B0000000",
    with_data("00200001", WRONG),
    "00B0000000",
    with_data("002C0001", UNBLOCK1 + PIN1),
    "00B0000000",
]
VOCABULARY = [*SELECTS, *READS, *UPDATES, *PINS, *CHANNELS, *OTHERS]

SCRIPT = [
    *SEQUENCES,
    *SELECTS,
    # Each file with every read, before and after the PINs.
    *(each for file_id in FILE_IDS for each in ("00A4000C023F00", with_data("00A4000C", file_id), *READS)),
    with_data("00200001", PIN1),
    with_data("0020000A", ADM1),
    *(each for file_id in FILE_IDS for each in ("00A4000C023F00", with_data("00A4000C", file_id), *UPDATES, *READS)),
    *(each for aid in AIDS for each in (with_data("00A40404", aid, "00"), "80F2000000", "80F2010000", *READS[:3])),
    *CHANNELS,
    *(cla + each[2:] for cla in ("01", "02", "03") for each in (*SELECTS[:4], *READS[:6], *CHANNELS)),
    *PINS,
    "80F2000000",
    *PINS,
    *PINS,
    *OTHERS,
]


SIM_FILE_IDS = ["3F00", "2FE2", "2F05", "2F06", "7F10", "6F40", "6F3A", "6F44", "6F3B", "6F3C", "6F3D", "6F3E", "6F3F"]
SIM_FILE_IDS += ["5F50", "4F01", "7F20", "7F25", "6F07", "7F50", "5031", "6F06", "7FFF", "FFFF"]
SIM_SELECTS = [with_data("A0A40000", file_id) for file_id in SIM_FILE_IDS]
SIM_READS = [
    *(f"A0C00000{le}" for le in ("16", "0F", "05", "00", "")),
    *(f"A0B0{p1p2}{le}" for p1p2 in ("0000", "0001", "0258", "8000") for le in ("01", "02", "00", "FF", "")),
    *(f"A0B2{p1}{p2}{le}" for p1 in ("00", "01", "03", "04") for p2 in ("02", "03", "04") for le in ("02", "1A", "00")),
    "A0B2010102",
    *(f"A0F20000{le}" for le in ("16", "02", "17", "")),
]
SIM_UPDATES = [
    with_data("A0D60000", "5566"),
    with_data("A0D60257", "5566"),
    with_data("A0D68000", "5566"),
    "A0D6000000",
    *(with_data(f"A0DC{p1p2}", "D1D2") for p1p2 in ("0003", "0104", "0002", "0004", "0404")),
    with_data("A0DC0003", "D1"),
]
SIM_PINS = [
    *(with_data(f"A02000{number}", value) for number in ("01", "02", "03") for value in (PIN1, CHV2, WRONG)),
    *(with_data("A0240001", values) for values in (PIN1 + NEW, NEW + PIN1, WRONG + PIN1)),
    *(with_data("A0260001", value) for value in (WRONG, PIN1, PIN1)),
    with_data("A0260002", CHV2),
    "A0F2000016",
    *(with_data("A0280001", value) for value in (WRONG, PIN1, PIN1)),
    with_data("A02C0000", UNBLOCK1 + PIN1),
    with_data("A02C0002", UNBLOCK2 + CHV2),
    with_data("A02C0000", WRONG + PIN1),
    with_data("A02C0001", WRONG + PIN1),
    "A0200001",
    "A0F2000016",
]
SIM_OTHERS = [
    "A0A4000402",
    "A0A40000023F0000",
    "A0A40100023F00",
    "A0320000",
    "00A40004023F00",
    "A0B00000000001",
    "A0F20100",
]
SIM_SCRIPT = [
    "A0C0000016",
    # What a right value opened stays open after wrong ones, until no attempt is left.
    *(with_data("A0A40000", file_id) for file_id in ("7F10", "6F40")),
    with_data("A0200001", PIN1),
    *(each for _ in range(4) for each in ("A0B201041A", with_data("A0200001", WRONG))),
    with_data("A02C0000", UNBLOCK1 + PIN1),
    "A0B201041A",
    *(each for file_id in SIM_FILE_IDS for each in (with_data("A0A40000", file_id), *SIM_READS)),
    *(with_data("A0200001", PIN1), with_data("A0200002", CHV2)),
    *SIM_SELECTS,
    *SIM_READS,
    *(
        each
        for file_id in SIM_FILE_IDS
        for each in (*SIM_SELECTS[:1], with_data("A0A40000", "7F10"), with_data("A0A40000", file_id), *SIM_UPDATES)
    ),
    *(each for _ in range(12) for each in (*SIM_PINS, *SIM_SELECTS, *SIM_READS)),
    *SIM_OTHERS,
]
SIM_VOCABULARY = [*SIM_SELECTS, *SIM_READS, *SIM_UPDATES, *SIM_PINS, *SIM_OTHERS]
