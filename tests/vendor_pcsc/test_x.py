import vendor_pcsc.virtual as v
from tests.vendor_pcsc.cards import X
def test_x() -> None:
    import vendor_pcsc.virtual.atr
    assert v.__file__.endswith("main/vendor_pcsc/virtual/__init__.py"); print(__name__); assert X
