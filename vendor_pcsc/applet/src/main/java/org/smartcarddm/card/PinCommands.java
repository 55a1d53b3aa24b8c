package org.smartcarddm.card;

import javacard.framework.ISOException;

/** VERIFY, CHANGE, DISABLE, ENABLE and UNBLOCK PIN. Spec: TS 102 221, 9.5, 11.1.9 to 11.1.13. */
final class PinCommands {
    private final Card card;
    private final Exchange exchange;

    PinCommands(Card card, Exchange exchange) {
        this.card = card;
        this.exchange = exchange;
    }

    void verify() {
        CardPin pin = findEnabled();
        if (exchange.dataLength == 0) {
            query(pin.attemptsStatus());
            return;
        }
        exchange.requireData(CardPin.LENGTH);
        pin.present(exchange.buffer, exchange.dataOffset);
    }

    void change() {
        CardPin pin = findEnabled();
        exchange.requireData((short) (2 * CardPin.LENGTH));
        pin.present(exchange.buffer, exchange.dataOffset);
        pin.replace(exchange.buffer, second());
    }

    void disable() {
        CardPin pin = findEnabled();
        requireAllowed(!pin.isAdministrative());
        exchange.requireData(CardPin.LENGTH);
        pin.present(exchange.buffer, exchange.dataOffset);
        pin.enabled = false;
    }

    void enable() {
        CardPin pin = find();
        requireAllowed(!pin.enabled);
        exchange.requireData(CardPin.LENGTH);
        pin.present(exchange.buffer, exchange.dataOffset);
        pin.enabled = true;
    }

    void unblock() {
        CardPin pin = find();
        if (!pin.hasUnblock()) {
            ISOException.throwIt(Status.REFERENCE_NOT_FOUND);
        }
        if (exchange.dataLength == 0) {
            query(pin.unblockAttemptsStatus());
            return;
        }
        exchange.requireData((short) (2 * CardPin.LENGTH));
        pin.presentUnblock(exchange.buffer, exchange.dataOffset);
        pin.replace(exchange.buffer, second());
    }

    private CardPin find() {
        Exchange.requireP1P2(exchange.p1 == 0);
        CardPin pin = card.pin((byte) exchange.p2);
        if (pin == null) {
            ISOException.throwIt(Status.REFERENCE_NOT_FOUND);
        }
        return pin;
    }

    private CardPin findEnabled() {
        CardPin pin = find();
        if (!pin.enabled) {
            ISOException.throwIt(Status.DATA_INVALIDATED);
        }
        return pin;
    }

    /** Answers how many attempts are left. An Le of 00 may be the P3 of T=0; any other is a mistake. */
    private void query(short status) {
        if (exchange.hasLe && !exchange.takesAll) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
        ISOException.throwIt(status);
    }

    private short second() {
        return (short) (exchange.dataOffset + CardPin.LENGTH);
    }

    private static void requireAllowed(boolean allowed) {
        if (!allowed) {
            ISOException.throwIt(Status.CONDITIONS_NOT_SATISFIED);
        }
    }
}
