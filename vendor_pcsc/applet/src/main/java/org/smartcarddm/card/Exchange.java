package org.smartcarddm.card;

import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * One command and its answer, with the rules of lengths on both wires.
 *
 * <p>A command prepares its answer, which throws when Le does not fit; then it changes what it changes; then it sends.
 * So a command that the terminal has to repeat has had no effect.
 *
 * <p>jCardSim hands over whole APDUs whatever the protocol and has no GET RESPONSE. What T=0 looks like from outside
 * (Le exact, 61xx, GET RESPONSE) is made here when the profile asks for it.
 */
final class Exchange {
    /** A whole data object: without Le there are no data, a larger Le does not matter. */
    static final byte TEMPLATE = 0;
    /** A whole record; Le is needed. */
    static final byte RECORD = 1;
    /** As many octets as Le asks for; Le is needed. */
    static final byte OCTETS = 2;

    static final byte GET_RESPONSE = (byte) 0xC0;

    private static final short SHORT_MOST = 256;
    private static final short EXTENDED_CDATA = 7;
    private static final short TEMPLATE_MOST = 256;

    byte[] buffer;
    byte instruction;
    short p1;
    short p2;
    short channel;
    boolean proprietary;
    short dataOffset;
    short dataLength;
    /** Whether there is an Le, and whether it asks for all there is. */
    boolean hasLe;
    boolean takesAll;

    private boolean fetched;
    private boolean extended;
    private APDU apdu;
    private short le;

    private byte[] source;
    private short offset;
    private short length;
    private short word;

    /** What waits for GET RESPONSE, and on which channel. */
    private final byte[] waiting = JCSystem.makeTransientByteArray(TEMPLATE_MOST, JCSystem.CLEAR_ON_RESET);
    private final short[] waitingState = JCSystem.makeTransientShortArray((short) 3, JCSystem.CLEAR_ON_RESET);
    private static final byte WAITING_OFFSET = 0;
    private static final byte WAITING_LENGTH = 1;
    private static final byte WAITING_CHANNEL = 2;
    private short fetchable;

    /** Whether data are fetched by the terminal, as with T=0. Set when the card is personalised. */
    void setFetched(boolean fetched) {
        this.fetched = fetched;
    }

    /** Whether extended lengths are understood. Set when the card is personalised. */
    void setExtended(boolean extended) {
        this.extended = extended;
    }

    /** Takes the command over. */
    void receive(APDU command) {
        apdu = command;
        buffer = command.getBuffer();
        instruction = buffer[ISO7816.OFFSET_INS];
        p1 = (short) (buffer[ISO7816.OFFSET_P1] & 0xFF);
        p2 = (short) (buffer[ISO7816.OFFSET_P2] & 0xFF);
        // jCardSim receives the whole data field at once, also that of an extended APDU.
        command.setIncomingAndReceive();
        dataOffset = command.getOffsetCdata();
        dataLength = command.getIncomingLength();
        le = command.setOutgoing();
        length = 0;
        word = Status.OK;
        // Every command drops what waits, but GET RESPONSE may still have it.
        fetchable = waitingState[WAITING_LENGTH];
        waitingState[WAITING_LENGTH] = 0;
    }

    /** Tells whether the lengths of the command are extended ones. */
    boolean isExtended() {
        return dataOffset == EXTENDED_CDATA;
    }

    /** Understands Le as a UICC does. */
    void readLengths() {
        if (isExtended()) {
            if (!extended) {
                ISOException.throwIt(Status.WRONG_LENGTH);
            }
            // The runtime gives 0 for an Le of 0000 and for none. Without data there is always one; after data it is
            // taken for one.
            takesAll = le == 0;
            hasLe = true;
        } else {
            takesAll = le == SHORT_MOST;
            hasLe = le != 0;
        }
        if (fetched && !hasLe && dataLength == 0) {
            // With T=0 a header alone has P3 00.
            le = SHORT_MOST;
            hasLe = takesAll = true;
        }
    }

    /** Tells whether a class octet is one of a UICC, which a card that can be either kind goes by. */
    static boolean isUiccClass(byte cla) {
        short family = (short) (cla & 0x70);
        return family == 0x00 && (cla & 0x0C) == 0 || family == 0x40;
    }

    /** Splits the class octet. Spec: TS 102 221, 10.1.1. */
    void readClass() {
        byte cla = buffer[ISO7816.OFFSET_CLA];
        proprietary = (cla & 0x80) != 0;
        switch (cla & 0x70) {
            case 0x00:
                if ((cla & 0x0C) != 0) {
                    ISOException.throwIt(Status.SECURE_MESSAGING_NOT_SUPPORTED);
                }
                channel = (short) (cla & 0x03);
                break;
            case 0x40:
                channel = (short) (4 + (cla & 0x0F));
                break;
            case 0x60:
                ISOException.throwIt(Status.SECURE_MESSAGING_NOT_SUPPORTED);
                break;
            default:
                // Command chaining, and every other class, A0 included.
                ISOException.throwIt(Status.UNKNOWN_CLASS);
        }
    }

    /** Answers GET RESPONSE where the profile asks for T=0. */
    boolean fetch() {
        if (!fetched || proprietary || instruction != GET_RESPONSE) {
            return false;
        }
        short count = fetchable;
        requireP1P2(p1 == 0 && p2 == 0);
        refuseData();
        if (count == 0 || waitingState[WAITING_CHANNEL] != channel) {
            ISOException.throwIt(Status.TECHNICAL_PROBLEM);
        }
        if (le > count) {
            waitingState[WAITING_LENGTH] = count;
            ISOException.throwIt((short) (Status.RIGHT_LENGTH | (count & 0xFF)));
        }
        source = waiting;
        offset = waitingState[WAITING_OFFSET];
        length = le;
        waitingState[WAITING_OFFSET] += le;
        waitingState[WAITING_LENGTH] = (short) (count - le);
        if (count > le) {
            word = (short) (Status.BYTES_WAITING | ((count - le) & 0xFF));
        }
        transmit();
        return true;
    }

    void refuseData() {
        if (dataLength != 0) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
    }

    void requireData(short wanted) {
        if (dataLength != wanted) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
    }

    static void requireP1P2(boolean right) {
        if (!right) {
            ISOException.throwIt(Status.WRONG_P1_P2);
        }
    }

    /** Prepares an answer without data. */
    void prepareNothing(short status) {
        word = status;
        length = 0;
    }

    /** Prepares an answer with data; throws when Le does not fit. */
    void prepare(byte[] data, short from, short count, byte kind, short status) {
        source = data;
        offset = from;
        length = count;
        word = status;
        if (fetched) {
            prepareFetched(kind);
        } else {
            prepareWhole(kind);
        }
    }

    private void prepareWhole(byte kind) {
        if (!hasLe) {
            if (kind != TEMPLATE) {
                ISOException.throwIt(Status.WRONG_LENGTH);
            }
            length = 0;
            return;
        }
        if (takesAll && (isExtended() || length <= SHORT_MOST)) {
            return;
        }
        // An Le of 8000 or more, negative as a short, asks for more than any file has.
        if (le >= 0 && length > le) {
            if (kind != OCTETS) {
                wrongLe();
            }
            length = le;
        } else if (length != le && kind != TEMPLATE) {
            word = Status.END_OF_FILE;
        }
    }

    private void prepareFetched(byte kind) {
        if (length == 0 || dataLength != 0 || le == length) {
            return;
        }
        if (kind != OCTETS || le > length) {
            wrongLe();
        }
        length = le;
    }

    private void wrongLe() {
        ISOException.throwIt((short) (Status.RIGHT_LENGTH | (length & 0xFF)));
    }

    /** Returns how many octets a command of a SIM asks for; with data there is no such count. */
    short simLength() {
        refuseData();
        // A header alone has P3 00.
        return le == 0 ? SHORT_MOST : le;
    }

    /** Sends octets at once, as a SIM does. */
    void sendNow(byte[] data, short from, short count) {
        source = data;
        offset = from;
        length = count;
        transmit();
    }

    /** Sends what was prepared. */
    void send() {
        if (fetched && length != 0 && dataLength != 0) {
            Util.arrayCopyNonAtomic(source, offset, waiting, (short) 0, length);
            waitingState[WAITING_OFFSET] = 0;
            waitingState[WAITING_LENGTH] = length;
            waitingState[WAITING_CHANNEL] = channel;
            if (word == Status.OK) {
                word = (short) (Status.BYTES_WAITING | (length & 0xFF));
            }
            length = 0;
        }
        transmit();
    }

    private void transmit() {
        if (length != 0) {
            apdu.setOutgoingLength(length);
            apdu.sendBytesLong(source, offset, length);
        }
        if (word != Status.OK) {
            ISOException.throwIt(word);
        }
    }
}
