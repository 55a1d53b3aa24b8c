package org.smartcarddm.card;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** The commands of a SIM, class A0, always in the manner of T=0. Spec: TS 51.011, 9.2. */
final class SimCommands {
    static final byte CLASS = (byte) 0xA0;

    private static final byte VERIFY = 0x20;
    private static final byte CHANGE = 0x24;
    private static final byte DISABLE = 0x26;
    private static final byte ENABLE = 0x28;
    private static final byte UNBLOCK = 0x2C;
    private static final byte SELECT = (byte) 0xA4;
    private static final byte READ_BINARY = (byte) 0xB0;
    private static final byte READ_RECORD = (byte) 0xB2;
    private static final byte GET_RESPONSE = (byte) 0xC0;
    private static final byte UPDATE_BINARY = (byte) 0xD6;
    private static final byte UPDATE_RECORD = (byte) 0xDC;
    private static final byte STATUS = (byte) 0xF2;

    // P2 of the record commands.
    private static final short NEXT = 0x02;
    private static final short PREVIOUS = 0x03;
    private static final short ABSOLUTE = 0x04;

    /** A SIM has one channel. */
    private static final short ONLY = 0;

    private final Card card;
    private final Exchange exchange;
    private final SimAnswers answers;

    /** Octets that the command before left for GET RESPONSE; the session array is forgotten at reset. */
    private final byte[] left = JCSystem.makeTransientByteArray(SimAnswers.MOST, JCSystem.CLEAR_ON_RESET);
    private final short[] session = JCSystem.makeTransientShortArray((short) 2, JCSystem.CLEAR_ON_RESET);
    private static final byte LEFT = 0;
    private static final byte STARTED = 1;

    SimCommands(Card card, Exchange exchange) {
        this.card = card;
        this.exchange = exchange;
        answers = new SimAnswers(card);
    }

    void run() {
        if (session[STARTED] == 0) {
            // After a reset the data of the MF wait.
            session[STARTED] = 1;
            session[LEFT] = answers.about(card.mf, left);
        }
        short waiting = session[LEFT];
        session[LEFT] = 0;
        if (exchange.buffer[ISO7816.OFFSET_CLA] != CLASS) {
            ISOException.throwIt(Status.UNKNOWN_CLASS);
        }
        if (exchange.isExtended()) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
        switch (exchange.instruction) {
            case SELECT:
                select();
                break;
            case STATUS:
                status();
                break;
            case GET_RESPONSE:
                getResponse(waiting);
                break;
            case READ_BINARY:
                readBinary();
                break;
            case UPDATE_BINARY:
                updateBinary();
                break;
            case READ_RECORD:
                readRecord();
                break;
            case UPDATE_RECORD:
                updateRecord();
                break;
            case VERIFY:
                verify();
                break;
            case CHANGE:
                change();
                break;
            case DISABLE:
                disable();
                break;
            case ENABLE:
                enable();
                break;
            case UNBLOCK:
                unblock();
                break;
            default:
                ISOException.throwIt(Status.UNKNOWN_INSTRUCTION);
        }
    }

    private void select() {
        requireP1P2(exchange.p2 == 0);
        requireData((short) 2);
        CardFile file = card.simSelection.find(ONLY, Util.getShort(exchange.buffer, exchange.dataOffset));
        if (file == null || !SimAnswers.isInView(file)) {
            ISOException.throwIt(Status.SIM_FILE_NOT_FOUND);
        }
        card.simSelection.select(ONLY, file);
        session[LEFT] = answers.about(file, left);
        ISOException.throwIt((short) (Status.SIM_DATA_WAITING | session[LEFT]));
    }

    private void status() {
        requireP1P2(exchange.p2 == 0);
        short wanted = exchange.simLength();
        short length = answers.about(card.simSelection.directory(ONLY), left);
        requireLength(wanted <= length, length);
        exchange.sendNow(left, (short) 0, wanted);
    }

    private void getResponse(short waiting) {
        requireP1P2(exchange.p2 == 0);
        if (waiting == 0) {
            ISOException.throwIt(Status.TECHNICAL_PROBLEM);
        }
        short wanted = exchange.simLength();
        if (wanted > waiting) {
            // The data wait on.
            session[LEFT] = waiting;
        }
        requireLength(wanted <= waiting, waiting);
        exchange.sendNow(left, (short) 0, wanted);
    }

    private void readBinary() {
        short wanted = exchange.simLength();
        CardFile file = current(true);
        require(file, file.readCondition);
        short offset = Util.getShort(exchange.buffer, ISO7816.OFFSET_P1);
        short rest = rest(file, offset);
        requireLength(wanted <= rest, rest);
        exchange.sendNow(file.content, offset, wanted);
    }

    private void updateBinary() {
        if (exchange.dataLength == 0) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
        CardFile file = current(true);
        require(file, file.updateCondition);
        short offset = Util.getShort(exchange.buffer, ISO7816.OFFSET_P1);
        short rest = rest(file, offset);
        requireLength(exchange.dataLength <= rest, rest);
        Util.arrayCopy(exchange.buffer, exchange.dataOffset, file.content, offset, exchange.dataLength);
    }

    private void readRecord() {
        requireMode();
        short wanted = exchange.simLength();
        CardFile file = current(false);
        require(file, file.readCondition);
        requireLength(wanted == file.recordLength, file.recordLength);
        short number = move(file);
        exchange.sendNow(file.content, (short) ((number - 1) * file.recordLength), file.recordLength);
    }

    private void updateRecord() {
        requireMode();
        CardFile file = current(false);
        boolean cyclic = file.structure == CardFile.CYCLIC;
        if (cyclic && exchange.p2 != PREVIOUS) {
            ISOException.throwIt(Status.SIM_WRONG_P1_P2);
        }
        require(file, file.updateCondition);
        requireData(file.recordLength);
        short number = move(file);
        if (cyclic) {
            file.pushRecord(exchange.buffer, exchange.dataOffset);
            card.simSelection.setRecord(ONLY, (short) 1);
        } else {
            Util.arrayCopy(exchange.buffer, exchange.dataOffset, file.content,
                    (short) ((number - 1) * file.recordLength), file.recordLength);
        }
    }

    private void verify() {
        CardPin chv = chv((short) 2);
        requireData(CardPin.LENGTH);
        requireEnabled(chv, true);
        present(chv);
    }

    private void change() {
        CardPin chv = chv((short) 2);
        requireData((short) (2 * CardPin.LENGTH));
        requireEnabled(chv, true);
        present(chv);
        chv.replace(exchange.buffer, second());
    }

    private void disable() {
        CardPin chv = chv((short) 1);
        requireData(CardPin.LENGTH);
        requireEnabled(chv, true);
        present(chv);
        chv.enabled = false;
    }

    private void enable() {
        CardPin chv = chv((short) 1);
        requireData(CardPin.LENGTH);
        requireEnabled(chv, false);
        present(chv);
        chv.enabled = true;
    }

    /** P2 00 is CHV1, 02 is CHV2. */
    private void unblock() {
        requireP1P2(exchange.p2 == 0 || exchange.p2 == 2);
        CardPin chv = answers.chv(exchange.p2 == 0 ? (short) 1 : (short) 2);
        if (chv == null || !chv.hasUnblock()) {
            ISOException.throwIt(Status.SIM_NO_CHV);
        }
        requireData((short) (2 * CardPin.LENGTH));
        if (!chv.presentUnblockToSim(exchange.buffer, exchange.dataOffset)) {
            refuse(chv.unblockAttemptsLeft());
        }
        chv.replace(exchange.buffer, second());
    }

    private CardPin chv(short most) {
        requireP1P2(exchange.p2 >= 1 && exchange.p2 <= most);
        CardPin chv = answers.chv(exchange.p2);
        if (chv == null) {
            ISOException.throwIt(Status.SIM_NO_CHV);
        }
        return chv;
    }

    private static void requireEnabled(CardPin chv, boolean wanted) {
        if (chv.enabled != wanted) {
            ISOException.throwIt(Status.SIM_CHV_CONTRADICTION);
        }
    }

    private void present(CardPin chv) {
        if (!chv.presentToSim(exchange.buffer, exchange.dataOffset)) {
            refuse(chv.attemptsLeft());
        }
    }

    private static void refuse(byte attemptsLeft) {
        ISOException.throwIt(attemptsLeft == 0 ? Status.SIM_CHV_BLOCKED : Status.SIM_NOT_FULFILLED);
    }

    private short second() {
        return (short) (exchange.dataOffset + CardPin.LENGTH);
    }

    private CardFile current(boolean transparent) {
        CardFile file = card.simSelection.file(ONLY);
        if (file == null) {
            ISOException.throwIt(Status.SIM_NO_EF_SELECTED);
        }
        if ((file.structure == CardFile.TRANSPARENT) != transparent) {
            ISOException.throwIt(Status.SIM_WRONG_FILE_TYPE);
        }
        return file;
    }

    private void require(CardFile file, byte condition) {
        if (file.deactivated) {
            ISOException.throwIt(Status.SIM_INVALIDATED);
        }
        if (!card.isFulfilled(condition)) {
            ISOException.throwIt(Status.SIM_NOT_FULFILLED);
        }
    }

    /** Returns the octets from an offset on; an offset of 8000 or more, negative as a short, is beyond every file. */
    private static short rest(CardFile file, short offset) {
        if (offset < 0 || offset >= file.content.length) {
            ISOException.throwIt(Status.SIM_OUT_OF_RANGE);
        }
        return (short) (file.content.length - offset);
    }

    private void requireMode() {
        boolean known = exchange.p2 == NEXT || exchange.p2 == PREVIOUS || exchange.p2 == ABSOLUTE;
        if (!known) {
            ISOException.throwIt(Status.SIM_WRONG_P1_P2);
        }
    }

    /** Returns the record meant, the pointer moved; P1 counts in absolute mode only, 00 is the current record. */
    private short move(CardFile file) {
        short pointer = card.simSelection.record(ONLY);
        boolean absolute = exchange.p2 == ABSOLUTE;
        short number;
        if (absolute) {
            number = exchange.p1 == 0 ? pointer : exchange.p1;
        } else {
            number = file.neighbour(pointer, exchange.p2 == NEXT);
        }
        if (!file.hasRecord(number)) {
            ISOException.throwIt(Status.SIM_OUT_OF_RANGE);
        }
        if (!absolute) {
            card.simSelection.setRecord(ONLY, number);
        }
        return number;
    }

    private void requireP1P2(boolean p2IsRight) {
        if (exchange.p1 != 0 || !p2IsRight) {
            ISOException.throwIt(Status.SIM_WRONG_P1_P2);
        }
    }

    private void requireData(short wanted) {
        requireLength(exchange.dataLength == wanted, wanted);
    }

    /** Answers 67xx: the same command again with P3 `wanted`. */
    private static void requireLength(boolean right, short wanted) {
        if (!right) {
            ISOException.throwIt((short) (Status.WRONG_LENGTH | wanted));
        }
    }
}
