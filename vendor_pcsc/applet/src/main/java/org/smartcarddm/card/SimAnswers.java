package org.smartcarddm.card;

import javacard.framework.Util;

/**
 * What a SIM tells about a file. EF(ARR) is not there for class A0, and neither is an application without a file
 * identifier. Spec: TS 51.011, 9.2.1 and 9.3.
 */
final class SimAnswers {
    /** Octets of the longer answer, that about a directory. */
    static final short MOST = 22;

    private static final short ELEMENTARY_LENGTH = 15;
    private static final short MF_ARR = 0x2F06;
    private static final short DF_ARR = 0x6F06;
    private static final byte CHV1 = 0x01;
    private static final byte CHV2 = (byte) 0x81;
    private static final byte OTHER_CHV2 = 0x02;

    private final Card card;

    SimAnswers(Card card) {
        this.card = card;
    }

    static boolean isInView(CardFile file) {
        return file.hasIdentifier && file.identifier != MF_ARR && file.identifier != DF_ARR;
    }

    /** Returns CHV1 or CHV2, or null. CHV2 is PIN 81 where there is one, or else PIN 02. */
    CardPin chv(short number) {
        if (number == 1) {
            return card.pin(CHV1);
        }
        CardPin second = card.pin(CHV2);
        return second == null ? card.pin(OTHER_CHV2) : second;
    }

    /** Writes what SELECT tells about a file as it is now; returns the length. */
    short about(CardFile file, byte[] answer) {
        Util.arrayFillNonAtomic(answer, (short) 0, MOST, (byte) 0);
        Util.setShort(answer, (short) 4, file.hasIdentifier ? file.identifier : 0);
        return file.isDirectory() ? aboutDirectory(file, answer) : aboutElementary(file, answer);
    }

    private short aboutDirectory(CardFile directory, byte[] answer) {
        CardPin chv1 = chv((short) 1);
        CardPin chv2 = chv((short) 2);
        answer[6] = (byte) (directory == card.mf ? 0x01 : 0x02);
        answer[12] = 9;
        // The clock may stop; CHV1 is disabled.
        answer[13] = (byte) (chv1 != null && chv1.enabled ? 0x01 : 0x81);
        answer[14] = count(directory, true);
        answer[15] = count(directory, false);
        answer[16] = codes(chv1, chv2);
        describe(chv1, answer, (short) 18);
        describe(chv2, answer, (short) 20);
        return MOST;
    }

    private short aboutElementary(CardFile file, byte[] answer) {
        Util.setShort(answer, (short) 2, (short) file.content.length);
        answer[6] = 0x04;
        answer[8] = (byte) (access(file.readCondition) << 4 | access(file.updateCondition));
        // INCREASE, REHABILITATE and INVALIDATE are never allowed: the card does not have them.
        answer[9] = (byte) 0xFF;
        answer[10] = (byte) 0xFF;
        answer[11] = (byte) (file.deactivated ? 0x00 : 0x01);
        answer[12] = 2;
        answer[13] = (byte) (file.structure == CardFile.TRANSPARENT ? 0 : file.structure == CardFile.CYCLIC ? 3 : 1);
        answer[14] = (byte) file.recordLength;
        return ELEMENTARY_LENGTH;
    }

    private static byte count(CardFile directory, boolean directories) {
        short count = 0;
        for (CardFile file = directory.firstChild; file != null; file = file.next) {
            if (isInView(file) && file.isDirectory() == directories && count < 0xFF) {
                count++;
            }
        }
        return (byte) count;
    }

    /** Counts CHVs, their unblocking codes and administrative codes. */
    private byte codes(CardPin chv1, CardPin chv2) {
        byte count = (byte) (codes(chv1) + codes(chv2));
        for (CardPin pin = card.pins; pin != null; pin = pin.next) {
            if (pin.isAdministrative()) {
                count++;
            }
        }
        return count;
    }

    private static byte codes(CardPin chv) {
        if (chv == null) {
            return 0;
        }
        return (byte) (chv.hasUnblock() ? 2 : 1);
    }

    /** Writes the status of a CHV and of its unblocking code: initialised, and the attempts left. */
    private static void describe(CardPin chv, byte[] answer, short at) {
        if (chv == null) {
            return;
        }
        answer[at] = (byte) (0x80 | chv.attemptsLeft());
        if (chv.hasUnblock()) {
            answer[(short) (at + 1)] = (byte) (0x80 | chv.unblockAttemptsLeft());
        }
    }

    /** Returns how class A0 says an access condition: ALW 0, CHV1 1, CHV2 2, ADM 4, NEV F. */
    private byte access(byte condition) {
        if (condition == CardFile.ALWAYS) {
            return 0x0;
        }
        if (condition == CardFile.NEVER) {
            return 0xF;
        }
        CardPin pin = card.pin(condition);
        if (pin == chv((short) 1)) {
            return 0x1;
        }
        if (pin == chv((short) 2)) {
            return 0x2;
        }
        // A PIN that is neither cannot be presented, so what it protects is never open.
        return (byte) (pin.isAdministrative() ? 0x4 : 0xF);
    }
}
