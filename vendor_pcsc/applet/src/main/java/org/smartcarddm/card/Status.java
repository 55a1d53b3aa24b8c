package org.smartcarddm.card;

/** Status words; without another word those of a UICC. Spec: TS 102 221, 10.2. */
final class Status {
    static final short OK = (short) 0x9000;
    static final short BYTES_WAITING = (short) 0x6100;
    static final short END_OF_FILE = (short) 0x6282;
    static final short FILE_DEACTIVATED = (short) 0x6283;
    static final short ATTEMPTS_LEFT = (short) 0x63C0;
    static final short WRONG_LENGTH = (short) 0x6700;
    static final short CHANNEL_NOT_SUPPORTED = (short) 0x6881;
    static final short SECURE_MESSAGING_NOT_SUPPORTED = (short) 0x6882;
    static final short WRONG_FILE_STRUCTURE = (short) 0x6981;
    static final short SECURITY_NOT_SATISFIED = (short) 0x6982;
    static final short PIN_BLOCKED = (short) 0x6983;
    static final short DATA_INVALIDATED = (short) 0x6984;
    static final short CONDITIONS_NOT_SATISFIED = (short) 0x6985;
    static final short NO_EF_SELECTED = (short) 0x6986;
    static final short FILE_NOT_FOUND = (short) 0x6A82;
    static final short RECORD_NOT_FOUND = (short) 0x6A83;
    static final short WRONG_P1_P2 = (short) 0x6A86;
    static final short REFERENCE_NOT_FOUND = (short) 0x6A88;
    static final short WRONG_OFFSET = (short) 0x6B00;
    static final short RIGHT_LENGTH = (short) 0x6C00;
    static final short UNKNOWN_INSTRUCTION = (short) 0x6D00;
    static final short UNKNOWN_CLASS = (short) 0x6E00;
    static final short TECHNICAL_PROBLEM = (short) 0x6F00;

    // Of a SIM. Spec: TS 51.011, 9.4.
    static final short SIM_DATA_WAITING = (short) 0x9F00;
    static final short SIM_NO_EF_SELECTED = (short) 0x9400;
    static final short SIM_OUT_OF_RANGE = (short) 0x9402;
    static final short SIM_FILE_NOT_FOUND = (short) 0x9404;
    static final short SIM_WRONG_FILE_TYPE = (short) 0x9408;
    static final short SIM_NO_CHV = (short) 0x9802;
    static final short SIM_NOT_FULFILLED = (short) 0x9804;
    static final short SIM_CHV_CONTRADICTION = (short) 0x9808;
    static final short SIM_INVALIDATED = (short) 0x9810;
    static final short SIM_CHV_BLOCKED = (short) 0x9840;
    static final short SIM_WRONG_P1_P2 = WRONG_OFFSET;

    private Status() {
    }
}
