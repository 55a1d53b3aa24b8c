package org.smartcarddm.card;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * The commands that make the card, class 80, understood until "seal" only. README.md has their formats.
 *
 * <p>What they bring was checked by who made it (the profile's reader); a command out of order answers 6985, one whose
 * fields do not fit 6F00 or 6700, and the card is of no use then.
 */
final class Personalisation {
    private static final byte CLASS = (byte) 0x80;
    private static final byte SETTINGS = 0x02;
    private static final byte PIN = 0x04;
    private static final byte DIRECTORY = 0x06;
    private static final byte FILE = 0x08;
    private static final byte WRITE = 0x0A;
    private static final byte UP = 0x0C;
    private static final byte SEAL = 0x0E;

    // Octet 1 of SETTINGS.
    private static final byte FETCHED = 0x01;
    private static final byte EXTENDED = 0x02;
    private static final byte REFUSES_AID = 0x04;
    private static final byte REFUSES_PATH = 0x08;
    private static final byte ACCEPTS_ANY_AID = 0x10;
    private static final byte HAS_NO_FCP = 0x20;
    private static final byte REFUSES_SILENT_AID = 0x40;

    // Octet 0 of FILE and DIRECTORY.
    private static final byte HAS_IDENTIFIER = 0x01;
    private static final byte DEACTIVATED = 0x02;
    private static final byte SHORT_IDENTIFIER_TAGGED = 0x04;

    private final Card card;
    private final Exchange exchange;
    private CardFile directory;
    private CardFile file;
    private short channels;
    private boolean extended;
    private boolean fetched;

    Personalisation(Card card, Exchange exchange) {
        this.card = card;
        this.exchange = exchange;
    }

    /** Runs one command; returns true when the card is complete. */
    boolean run() {
        byte[] buffer = exchange.buffer;
        require(buffer[ISO7816.OFFSET_CLA] == CLASS);
        short at = exchange.dataOffset;
        short end = (short) (at + exchange.dataLength);
        switch (exchange.instruction) {
            case SETTINGS:
                require(channels == 0);
                settings(buffer, at);
                break;
            case PIN:
                pin(buffer, at);
                break;
            case DIRECTORY:
                require(card.mf == null || directory != null);
                directory(buffer, at, end);
                break;
            case FILE:
                require(directory != null);
                file(buffer, at, end);
                break;
            case WRITE:
                require(file != null);
                Util.arrayCopyNonAtomic(buffer, at, file.content,
                        Util.getShort(buffer, ISO7816.OFFSET_P1), exchange.dataLength);
                break;
            case UP:
                require(directory != null);
                directory = directory == card.mf ? null : directory.parent;
                break;
            case SEAL:
                require(channels != 0 && card.mf != null && directory == null);
                seal();
                return true;
            default:
                ISOException.throwIt(Status.UNKNOWN_INSTRUCTION);
        }
        return false;
    }

    /** Channels, flags, kind of card. */
    private void settings(byte[] buffer, short at) {
        exchange.requireData((short) 3);
        channels = buffer[at];
        byte flags = buffer[(short) (at + 1)];
        card.kind = buffer[(short) (at + 2)];
        fetched = (flags & FETCHED) != 0;
        extended = (flags & EXTENDED) != 0;
        card.refusesAid = (flags & REFUSES_AID) != 0;
        card.refusesPath = (flags & REFUSES_PATH) != 0;
        card.acceptsAnyAid = (flags & ACCEPTS_ANY_AID) != 0;
        card.hasNoFcp = (flags & HAS_NO_FCP) != 0;
        card.refusesSilentAid = (flags & REFUSES_SILENT_AID) != 0;
    }

    /** Reference, enabled, attempts, attempts to unblock (0: no unblocking code), value, unblocking code. */
    private void pin(byte[] buffer, short at) {
        byte unblockAttempts = buffer[(short) (at + 3)];
        CardPin pin = new CardPin(buffer[at], buffer[(short) (at + 2)], unblockAttempts, card.pins);
        pin.enabled = buffer[(short) (at + 1)] != 0;
        short value = (short) (at + 4);
        pin.setValue(buffer, value);
        if (pin.hasUnblock()) {
            pin.setUnblock(buffer, (short) (value + CardPin.LENGTH));
        }
        card.pins = pin;
        exchange.requireData((short) (4 + (pin.hasUnblock() ? 2 : 1) * CardPin.LENGTH));
    }

    /** Flags, identifier, AID, offset of the PIN status octets, PIN references, FCP; AID and references counted. */
    private void directory(byte[] buffer, short at, short end) {
        CardFile made = new CardFile(CardFile.DIRECTORY, directory);
        made.hasIdentifier = (buffer[at] & HAS_IDENTIFIER) != 0;
        made.identifier = Util.getShort(buffer, (short) (at + 1));
        short position = (short) (at + 3);
        byte[] aid = octets(buffer, (short) (position + 1), buffer[position]);
        made.aid = aid.length == 0 ? null : aid;
        position += (short) (1 + aid.length);
        made.pinStatusOffset = (short) (buffer[position] & 0xFF);
        position++;
        made.pinReferences = octets(buffer, (short) (position + 1), buffer[position]);
        position += (short) (1 + made.pinReferences.length);
        made.fcp = octets(buffer, position, (short) (end - position));
        if (card.mf == null) {
            card.mf = made;
        }
        directory = made;
        file = null;
    }

    /** Flags, identifier, structure, short identifier, read, update, size (2), record length, FCP. */
    private void file(byte[] buffer, short at, short end) {
        CardFile made = new CardFile(buffer[(short) (at + 3)], directory);
        byte flags = buffer[at];
        made.hasIdentifier = true;
        made.identifier = Util.getShort(buffer, (short) (at + 1));
        made.deactivated = (flags & DEACTIVATED) != 0;
        made.shortIdentifierTagged = (flags & SHORT_IDENTIFIER_TAGGED) != 0;
        made.shortIdentifier = buffer[(short) (at + 4)];
        made.readCondition = buffer[(short) (at + 5)];
        made.updateCondition = buffer[(short) (at + 6)];
        made.content = new byte[Util.getShort(buffer, (short) (at + 7))];
        made.recordLength = (short) (buffer[(short) (at + 9)] & 0xFF);
        short position = (short) (at + 10);
        made.fcp = octets(buffer, position, (short) (end - position));
        file = made;
    }

    private void seal() {
        exchange.setFetched(fetched);
        exchange.setExtended(extended);
        card.channels = new Channels(card.mf, channels);
        card.simSelection = new Channels(card.mf, (short) 1);
        card.sealed = true;
    }

    private static byte[] octets(byte[] buffer, short from, short count) {
        byte[] copy = new byte[count];
        Util.arrayCopyNonAtomic(buffer, from, copy, (short) 0, count);
        return copy;
    }

    private static void require(boolean inOrder) {
        if (!inOrder) {
            ISOException.throwIt(Status.CONDITIONS_NOT_SATISFIED);
        }
    }
}
