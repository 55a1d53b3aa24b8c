"""libwbxml in this process, with the settings that favour it: compact XML, no string table, memory freed."""

from __future__ import annotations

import ctypes

_LIBRARY = "libwbxml2.so.1"
_COMPACT = 0
_VERSION_1_2 = 0x02


class LibwbxmlError(Exception):
    """libwbxml refused a document."""


class Libwbxml:
    """The two conversions of libwbxml 0.11, through its own converter objects."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(_LIBRARY)
        self._library.wbxml_free.argtypes = [ctypes.c_void_p]
        for name in ("wbxml2xml", "xml2wbxml"):
            create = self._function(f"wbxml_conv_{name}_create")
            create.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
            run = self._function(f"wbxml_conv_{name}_run")
            run.argtypes = [
                ctypes.c_void_p,
                ctypes.c_char_p,
                ctypes.c_uint32,
                ctypes.POINTER(ctypes.c_void_p),
                ctypes.POINTER(ctypes.c_uint32),
            ]
            self._function(f"wbxml_conv_{name}_destroy").argtypes = [ctypes.c_void_p]
        self._function("wbxml_conv_wbxml2xml_set_gen_type").argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._function("wbxml_conv_xml2wbxml_set_version").argtypes = [ctypes.c_void_p, ctypes.c_int]
        for name in ("disable_string_table", "enable_preserve_whitespaces"):
            self._function(f"wbxml_conv_xml2wbxml_{name}").argtypes = [ctypes.c_void_p]

    def to_xml(self, octets: bytes) -> bytes:
        """Return a WBXML document as XML without indentation."""
        converter = self._create("wbxml2xml")
        try:
            self._library.wbxml_conv_wbxml2xml_set_gen_type(converter, _COMPACT)
            return self._run("wbxml2xml", converter, octets)
        finally:
            self._library.wbxml_conv_wbxml2xml_destroy(converter)

    def from_xml(self, xml: bytes) -> bytes:
        """Return an XML document as WBXML 1.2 with inline strings."""
        converter = self._create("xml2wbxml")
        try:
            self._library.wbxml_conv_xml2wbxml_set_version(converter, _VERSION_1_2)
            self._library.wbxml_conv_xml2wbxml_disable_string_table(converter)
            self._library.wbxml_conv_xml2wbxml_enable_preserve_whitespaces(converter)
            return self._run("xml2wbxml", converter, xml)
        finally:
            self._library.wbxml_conv_xml2wbxml_destroy(converter)

    def _function(self, name: str) -> ctypes._NamedFuncPointer:
        function: ctypes._NamedFuncPointer = getattr(self._library, name)
        return function

    def _create(self, name: str) -> ctypes.c_void_p:
        converter = ctypes.c_void_p()
        self._check(self._function(f"wbxml_conv_{name}_create")(ctypes.byref(converter)))
        return converter

    def _run(self, name: str, converter: ctypes.c_void_p, octets: bytes) -> bytes:
        result, length = ctypes.c_void_p(), ctypes.c_uint32()
        function = self._function(f"wbxml_conv_{name}_run")
        self._check(function(converter, octets, len(octets), ctypes.byref(result), ctypes.byref(length)))
        try:
            return ctypes.string_at(result, length.value)
        finally:
            self._library.wbxml_free(result)

    @staticmethod
    def _check(code: int) -> None:
        if code:
            raise LibwbxmlError(f"libwbxml error {code}")
