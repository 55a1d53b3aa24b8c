package org.smartcarddm.card;

import javacard.framework.ISOException;
import javacard.framework.Util;

/** READ and UPDATE of transparent and record files. Spec: TS 102 221, 8.2, 11.1.3 to 11.1.6. */
final class FileCommands {
    // P1 of the binary commands: the short identifier is in bits 5-1 when bit 8 is set.
    private static final short BY_SHORT_IDENTIFIER = 0x80;
    private static final short RESERVED_BITS = 0x60;
    private static final short SHORT_IDENTIFIER_BITS = 0x1F;
    private static final short MOST_SHORT_IDENTIFIER = 30;

    // P2 of the record commands, bits 3-1.
    private static final short MODE_BITS = 0x07;
    private static final short NEXT = 0x02;
    private static final short PREVIOUS = 0x03;
    private static final short ABSOLUTE = 0x04;

    private final Card card;
    private final Exchange exchange;

    /** The file meant; when it was named by its short identifier, it becomes the current one once all is checked. */
    private CardFile file;
    private boolean named;
    private short pointer;

    FileCommands(Card card, Exchange exchange) {
        this.card = card;
        this.exchange = exchange;
    }

    void readBinary() {
        exchange.refuseData();
        short offset = findTransparent();
        card.require(file.readCondition);
        requireInside(offset);
        exchange.prepare(file.content, offset, (short) (file.content.length - offset), Exchange.OCTETS, Status.OK);
        commit();
        exchange.send();
    }

    void updateBinary() {
        short offset = findTransparent();
        card.require(file.updateCondition);
        requireInside(offset);
        short length = exchange.dataLength;
        if (length <= 0 || length > (short) (file.content.length - offset)) {
            ISOException.throwIt(Status.WRONG_LENGTH);
        }
        Util.arrayCopy(exchange.buffer, exchange.dataOffset, file.content, offset, length);
        commit();
        exchange.send();
    }

    void readRecord() {
        exchange.refuseData();
        findRecords();
        card.require(file.readCondition);
        short number = recordNumber();
        short length = file.recordLength;
        exchange.prepare(file.content, (short) ((number - 1) * length), length, Exchange.RECORD, Status.OK);
        commit();
        exchange.send();
    }

    void updateRecord() {
        findRecords();
        card.require(file.updateCondition);
        boolean cyclic = file.structure == CardFile.CYCLIC;
        Exchange.requireP1P2(!cyclic || (exchange.p2 & MODE_BITS) == PREVIOUS);
        short number = recordNumber();
        short length = file.recordLength;
        exchange.requireData(length);
        if (cyclic) {
            file.pushRecord(exchange.buffer, exchange.dataOffset);
            pointer = 1;
        } else {
            Util.arrayCopy(exchange.buffer, exchange.dataOffset, file.content, (short) ((number - 1) * length), length);
        }
        commit();
        exchange.send();
    }

    /** Finds the file of a binary command; returns the offset. */
    private short findTransparent() {
        short offset;
        if ((exchange.p1 & BY_SHORT_IDENTIFIER) != 0) {
            Exchange.requireP1P2((exchange.p1 & RESERVED_BITS) == 0);
            findByShortIdentifier((short) (exchange.p1 & SHORT_IDENTIFIER_BITS));
            offset = exchange.p2;
        } else {
            findCurrent();
            offset = (short) (exchange.p1 << 8 | exchange.p2);
        }
        requireUsable(file.structure == CardFile.TRANSPARENT);
        return offset;
    }

    private void findRecords() {
        short shortIdentifier = (short) (exchange.p2 >> 3);
        if (shortIdentifier == 0) {
            findCurrent();
        } else {
            findByShortIdentifier(shortIdentifier);
        }
        requireUsable(file.structure != CardFile.TRANSPARENT);
    }

    private void findCurrent() {
        file = card.channels.file(exchange.channel);
        if (file == null) {
            ISOException.throwIt(Status.NO_EF_SELECTED);
        }
        named = false;
        pointer = card.channels.record(exchange.channel);
    }

    private void findByShortIdentifier(short wanted) {
        Exchange.requireP1P2(wanted >= 1 && wanted <= MOST_SHORT_IDENTIFIER);
        file = card.channels.directory(exchange.channel).byShortIdentifier((byte) wanted);
        if (file == null) {
            ISOException.throwIt(Status.FILE_NOT_FOUND);
        }
        named = true;
        pointer = (short) (file.structure == CardFile.CYCLIC ? 1 : 0);
    }

    private void requireUsable(boolean rightStructure) {
        if (!rightStructure) {
            ISOException.throwIt(Status.WRONG_FILE_STRUCTURE);
        }
        if (file.deactivated) {
            ISOException.throwIt(Status.DATA_INVALIDATED);
        }
    }

    private void requireInside(short offset) {
        if (offset >= file.content.length) {
            ISOException.throwIt(Status.WRONG_OFFSET);
        }
    }

    /** Returns the record meant, and moves `pointer` when the command does. */
    private short recordNumber() {
        short mode = (short) (exchange.p2 & MODE_BITS);
        if (mode == ABSOLUTE) {
            short number = exchange.p1 == 0 ? pointer : exchange.p1;
            requireRecord(number);
            return number;
        }
        Exchange.requireP1P2((mode == NEXT || mode == PREVIOUS) && exchange.p1 == 0);
        short number = file.neighbour(pointer, mode == NEXT);
        requireRecord(number);
        pointer = number;
        return pointer;
    }

    private void requireRecord(short number) {
        if (!file.hasRecord(number)) {
            ISOException.throwIt(Status.RECORD_NOT_FOUND);
        }
    }

    private void commit() {
        if (named) {
            card.channels.select(exchange.channel, file);
        }
        card.channels.setRecord(exchange.channel, pointer);
    }
}
