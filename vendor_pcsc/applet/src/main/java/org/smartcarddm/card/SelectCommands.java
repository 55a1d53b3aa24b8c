package org.smartcarddm.card;

import javacard.framework.ISOException;
import javacard.framework.Util;

/** SELECT, STATUS and MANAGE CHANNEL. Spec: TS 102 221, 8.4, 11.1.1, 11.1.2, 11.1.17. */
final class SelectCommands {
    // P1 of SELECT.
    private static final short BY_IDENTIFIER = 0x00;
    private static final short CHILD_DIRECTORY = 0x01;
    private static final short PARENT = 0x03;
    private static final short BY_NAME = 0x04;
    private static final short PATH_FROM_MF = 0x08;
    private static final short PATH_FROM_CURRENT = 0x09;

    // P2 of SELECT.
    private static final short OCCURRENCE_BITS = 0x03;
    private static final short LAST = 0x01;
    private static final short NEXT = 0x02;
    private static final short PREVIOUS = 0x03;
    private static final short ANSWER_BITS = 0x1C;
    private static final short ANSWER_FCI = 0x00;
    private static final short ANSWER_FCP = 0x04;
    private static final short ANSWER_NONE = 0x0C;
    private static final short SESSION_BITS = 0xE0;
    private static final short TERMINATE = 0x40;

    private static final short MOST_AID = 16;

    private static final short CLOSE_CHANNEL = 0x80;
    private static final byte AID_TAG = (byte) 0x84;

    private final Card card;
    private final Exchange exchange;
    /** An answer of a few octets: a channel's number, or an AID with its tag. */
    private final byte[] scratch = new byte[MOST_AID + 2];

    SelectCommands(Card card, Exchange exchange) {
        this.card = card;
        this.exchange = exchange;
    }

    void select() {
        short wanted = (short) (exchange.p2 & ANSWER_BITS);
        short session = (short) (exchange.p2 & SESSION_BITS);
        Exchange.requireP1P2(wanted == ANSWER_FCI || wanted == ANSWER_FCP || wanted == ANSWER_NONE);
        Exchange.requireP1P2(session == 0 || session == TERMINATE);
        if (exchange.p1 == BY_NAME) {
            selectByName(wanted, session == TERMINATE);
            return;
        }
        Exchange.requireP1P2(session == 0 && (exchange.p2 & OCCURRENCE_BITS) == 0);
        CardFile found = find();
        if (found == null) {
            ISOException.throwIt(Status.FILE_NOT_FOUND);
        }
        prepare(found, wanted);
        card.channels.select(exchange.channel, found);
        exchange.send();
    }

    void status() {
        exchange.refuseData();
        Exchange.requireP1P2(exchange.p1 <= 2);
        if (exchange.p2 == 0x00) {
            CardFile directory = card.channels.directory(exchange.channel);
            prepareTemplate(card.fcp(directory), (short) directory.fcp.length);
        } else if (exchange.p2 == 0x01) {
            CardFile application = card.channels.application(exchange.channel);
            if (application == null) {
                ISOException.throwIt(Status.REFERENCE_NOT_FOUND);
            }
            short length = (short) application.aid.length;
            scratch[0] = AID_TAG;
            scratch[1] = (byte) length;
            Util.arrayCopyNonAtomic(application.aid, (short) 0, scratch, (short) 2, length);
            prepareTemplate(scratch, (short) (length + 2));
        } else {
            Exchange.requireP1P2(exchange.p2 == ANSWER_NONE);
        }
        exchange.send();
    }

    void manageChannel() {
        exchange.refuseData();
        if (exchange.p1 == CLOSE_CHANNEL) {
            closeChannel();
        } else {
            Exchange.requireP1P2(exchange.p1 == 0);
            openChannel();
        }
        exchange.send();
    }

    private void openChannel() {
        short opened = exchange.p2;
        if (opened == 0) {
            if (!exchange.hasLe) {
                // The terminal would never learn the number.
                ISOException.throwIt(Status.WRONG_LENGTH);
            }
            opened = card.channels.firstFree();
            scratch[0] = (byte) opened;
            prepareTemplate(scratch, (short) 1);
        } else {
            card.channels.requireFree(opened);
        }
        card.channels.open(opened, exchange.channel);
    }

    private void closeChannel() {
        short closed = exchange.p2 == 0 ? exchange.channel : exchange.p2;
        // The basic channel stays open.
        Exchange.requireP1P2(closed != 0);
        card.channels.requireOpen(closed);
        card.channels.close(closed);
    }

    private CardFile find() {
        switch (exchange.p1) {
            case BY_IDENTIFIER:
                return exchange.dataLength == 0 ? card.mf : card.channels.find(exchange.channel, identifier());
            case CHILD_DIRECTORY:
                return card.channels.directory(exchange.channel).childDirectory(identifier());
            case PARENT:
                exchange.refuseData();
                CardFile here = card.channels.directory(exchange.channel);
                return here == card.mf ? null : here.parent;
            case PATH_FROM_MF:
                return fromMf();
            case PATH_FROM_CURRENT:
                requirePath();
                return walk(card.channels.directory(exchange.channel), (short) 0);
            default:
                ISOException.throwIt(Status.WRONG_P1_P2);
                return null;
        }
    }

    private CardFile fromMf() {
        requirePath();
        if (Util.getShort(exchange.buffer, exchange.dataOffset) != Channels.APPLICATION_IDENTIFIER) {
            return walk(card.mf, (short) 0);
        }
        CardFile application = card.channels.application(exchange.channel);
        return application == null ? null : walk(application, (short) 2);
    }

    private void requirePath() {
        Exchange.requireP1P2(!card.refusesPath);
        if (exchange.dataLength == 0 || exchange.dataLength % 2 != 0) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
    }

    private CardFile walk(CardFile start, short from) {
        CardFile file = start;
        for (short at = from; at < exchange.dataLength && file != null; at += 2) {
            // An elementary file has no children.
            file = file.child(Util.getShort(exchange.buffer, (short) (exchange.dataOffset + at)));
        }
        return file;
    }

    private short identifier() {
        exchange.requireData((short) 2);
        return Util.getShort(exchange.buffer, exchange.dataOffset);
    }

    private void selectByName(short wanted, boolean terminate) {
        Exchange.requireP1P2(!card.refusesAid && !(card.refusesSilentAid && wanted == ANSWER_NONE));
        if (exchange.dataLength == 0 || exchange.dataLength > MOST_AID) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
        CardFile active = card.channels.application(exchange.channel);
        if (terminate) {
            if (active == null || !begins(active)) {
                ISOException.throwIt(Status.FILE_NOT_FOUND);
            }
            card.channels.select(exchange.channel, card.mf);
            card.channels.setApplication(exchange.channel, null);
            exchange.send();
            return;
        }
        CardFile found = byName((short) (exchange.p2 & OCCURRENCE_BITS), active);
        if (found == null) {
            if (!card.acceptsAnyAid) {
                ISOException.throwIt(Status.FILE_NOT_FOUND);
            }
            prepare(card.channels.directory(exchange.channel), wanted);
        } else {
            prepare(found, wanted);
            card.channels.select(exchange.channel, found);
            card.channels.setApplication(exchange.channel, found);
        }
        exchange.send();
    }

    /**
     * Finds the application whose AID is the data field, or else begins with it. Next and previous count from the
     * active application if it fits too, else from the first and last.
     */
    private CardFile byName(short occurrence, CardFile active) {
        boolean counted = occurrence == NEXT || occurrence == PREVIOUS;
        boolean fromActive = counted && active != null && begins(active);
        // With next the applications up to the active one are passed over.
        boolean skipping = fromActive && occurrence == NEXT;
        CardFile found = null;
        for (CardFile file = card.mf.firstChild; file != null; file = file.next) {
            if (file.aid == null || !begins(file)) {
                continue;
            }
            if (file.aid.length == exchange.dataLength) {
                return counted && file == active ? null : file;
            }
            if (fromActive && file == active) {
                if (occurrence == PREVIOUS) {
                    break;
                }
                skipping = false;
            } else if (!skipping && (found == null || occurrence == LAST || occurrence == PREVIOUS)) {
                found = file;
            }
        }
        return found;
    }

    private boolean begins(CardFile application) {
        return application.aid.length >= exchange.dataLength
                && Util.arrayCompare(application.aid, (short) 0, exchange.buffer, exchange.dataOffset,
                        exchange.dataLength) == 0;
    }

    private void prepare(CardFile file, short wanted) {
        short status = file.deactivated ? Status.FILE_DEACTIVATED : Status.OK;
        if (wanted == ANSWER_NONE || card.hasNoFcp) {
            exchange.prepareNothing(status);
        } else {
            exchange.prepare(card.fcp(file), (short) 0, (short) file.fcp.length, Exchange.TEMPLATE, status);
        }
    }

    private void prepareTemplate(byte[] data, short length) {
        exchange.prepare(data, (short) 0, length, Exchange.TEMPLATE, Status.OK);
    }
}
