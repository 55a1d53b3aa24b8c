package org.smartcarddm.card;

import javacard.framework.ISOException;
import javacard.framework.OwnerPIN;

/** A PIN or administrative code. Counters outlive a reset, "verified" does not: both are OwnerPIN's. */
final class CardPin {
    static final byte LENGTH = 8;

    final byte reference;
    final CardPin next;
    boolean enabled;
    private final Value value;
    /** The unblocking code; null: there is none. */
    private final OwnerPIN unblock;

    CardPin(byte reference, byte attempts, byte unblockAttempts, CardPin next) {
        this.reference = reference;
        this.next = next;
        value = new Value(attempts);
        unblock = unblockAttempts == 0 ? null : new OwnerPIN(unblockAttempts, LENGTH);
    }

    void setValue(byte[] source, short offset) {
        value.update(source, offset, LENGTH);
    }

    void setUnblock(byte[] source, short offset) {
        unblock.update(source, offset, LENGTH);
    }

    boolean hasUnblock() {
        return unblock != null;
    }

    /** Administrative codes are 0A to 0E and 8A to 8E. */
    boolean isAdministrative() {
        byte number = (byte) (reference & 0x7F);
        return number >= 0x0A && number <= 0x0E;
    }

    /** What the PIN protects is open: it was verified, or is disabled. */
    boolean isSatisfied() {
        return value.isValidated() || !enabled;
    }

    void present(byte[] source, short offset) {
        check(value, source, offset);
    }

    void presentUnblock(byte[] source, short offset) {
        check(unblock, source, offset);
    }

    /** Sets a new value; the PIN is enabled and verified then, and has all its attempts. */
    void replace(byte[] source, short offset) {
        value.update(source, offset, LENGTH);
        value.setVerified(true);
        enabled = true;
    }

    /** Returns the status word of a UICC that tells the attempts left. */
    short attemptsStatus() {
        return status(value);
    }

    short unblockAttemptsStatus() {
        return status(unblock);
    }

    byte attemptsLeft() {
        return value.getTriesRemaining();
    }

    byte unblockAttemptsLeft() {
        return unblock.getTriesRemaining();
    }

    /** Presents the PIN to a SIM, where what was verified is lost only when no attempt is left. */
    boolean presentToSim(byte[] source, short offset) {
        boolean verified = value.isValidated();
        if (value.check(source, offset, LENGTH)) {
            return true;
        }
        value.setVerified(verified && value.getTriesRemaining() > 0);
        return false;
    }

    boolean presentUnblockToSim(byte[] source, short offset) {
        return unblock.check(source, offset, LENGTH);
    }

    private static void check(OwnerPIN pin, byte[] source, short offset) {
        if (pin.getTriesRemaining() == 0) {
            ISOException.throwIt(Status.PIN_BLOCKED);
        }
        if (!pin.check(source, offset, LENGTH)) {
            ISOException.throwIt((short) (Status.ATTEMPTS_LEFT | pin.getTriesRemaining()));
        }
    }

    private static short status(OwnerPIN pin) {
        byte left = pin.getTriesRemaining();
        return left == 0 ? Status.PIN_BLOCKED : (short) (Status.ATTEMPTS_LEFT | left);
    }

    /** An OwnerPIN whose "verified" can be set: an update, and a wrong value, take it away always. */
    private static final class Value extends OwnerPIN {
        Value(byte attempts) {
            super(attempts, LENGTH);
        }

        void setVerified(boolean verified) {
            setValidatedFlag(verified);
        }
    }
}
