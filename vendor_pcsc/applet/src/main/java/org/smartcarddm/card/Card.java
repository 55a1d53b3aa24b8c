package org.smartcarddm.card;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/** What the personalisation made: files, PINs, settings. */
final class Card {
    private static final short TEMPLATE_MOST = 256;

    static final byte UICC = 0;
    static final byte SIM = 1;
    static final byte EITHER = 2;

    CardFile mf;
    CardPin pins;
    Channels channels;
    /** What is selected in a session of class A0, which has one channel. */
    Channels simSelection;
    /** What the card is: a UICC, a SIM, or what the class of the first command after a reset says. */
    byte kind;
    boolean sealed;

    /** Quirks, as the profile has them. */
    boolean refusesAid;
    boolean refusesPath;
    boolean acceptsAnyAid;
    boolean hasNoFcp;
    boolean refusesSilentAid;

    private final byte[] template = JCSystem.makeTransientByteArray(TEMPLATE_MOST, JCSystem.CLEAR_ON_RESET);

    /** Returns a PIN, or null. */
    CardPin pin(byte reference) {
        for (CardPin pin = pins; pin != null; pin = pin.next) {
            if (pin.reference == reference) {
                return pin;
            }
        }
        return null;
    }

    /** Tells whether an access condition is fulfilled. Spec: TS 102 221, 9.2. */
    boolean isFulfilled(byte condition) {
        return condition == CardFile.ALWAYS || condition != CardFile.NEVER && pin(condition).isSatisfied();
    }

    void require(byte condition) {
        if (!isFulfilled(condition)) {
            ISOException.throwIt(Status.SECURITY_NOT_SATISFIED);
        }
    }

    /** Returns the FCP template of a file as it is now; its length is that of the file's `fcp`. */
    byte[] fcp(CardFile file) {
        Util.arrayCopyNonAtomic(file.fcp, (short) 0, template, (short) 0, (short) file.fcp.length);
        if (file.isDirectory()) {
            for (short at = 0; at < file.pinReferences.length; at++) {
                if (pin(file.pinReferences[at]).enabled) {
                    template[(short) (file.pinStatusOffset + at / 8)] |= (byte) (0x80 >> (at % 8));
                }
            }
        }
        return template;
    }
}
