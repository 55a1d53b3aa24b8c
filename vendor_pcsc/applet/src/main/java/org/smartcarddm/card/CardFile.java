package org.smartcarddm.card;

import javacard.framework.Util;

/**
 * A directory or an elementary file, as the personalisation made it. Files of one directory are a chain, in the order
 * of the profile.
 */
final class CardFile {
    static final byte DIRECTORY = 0;
    static final byte TRANSPARENT = 1;
    static final byte LINEAR_FIXED = 2;
    static final byte CYCLIC = 6;

    /** Access condition: open to everybody. Other values than the two are the reference of a PIN. */
    static final byte ALWAYS = 0;
    /** Access condition: open to nobody. */
    static final byte NEVER = (byte) 0xFF;

    final byte structure;
    final CardFile parent;
    CardFile firstChild;
    CardFile next;

    /** An application may have no identifier; it is reached by its AID only. */
    boolean hasIdentifier;
    short identifier;

    /** The whole FCP template; of a directory the octets that tell which PINs are enabled are set when it is sent. */
    byte[] fcp;
    /** Offset of those octets in the FCP template. */
    short pinStatusOffset;
    /** References of the PINs they tell about, the highest bit first. */
    byte[] pinReferences;

    /** AID of an application; null: the file is none. */
    byte[] aid;

    byte[] content;
    short recordLength;
    byte readCondition;
    byte updateCondition;
    boolean deactivated;
    /** Short identifier, 1 to 30; 0: none. */
    byte shortIdentifier;
    /** Whether the FCP has a tag 88; a file with one is found before a file whose identifier implies the same. */
    boolean shortIdentifierTagged;

    CardFile(byte structure, CardFile parent) {
        this.structure = structure;
        // The MF is its own parent.
        this.parent = parent == null ? this : parent;
        if (parent != null) {
            parent.append(this);
        }
    }

    private void append(CardFile child) {
        if (firstChild == null) {
            firstChild = child;
            return;
        }
        CardFile last = firstChild;
        while (last.next != null) {
            last = last.next;
        }
        last.next = child;
    }

    boolean isDirectory() {
        return structure == DIRECTORY;
    }

    boolean isCalled(short wanted) {
        return hasIdentifier && identifier == wanted;
    }

    CardFile child(short wanted) {
        for (CardFile file = firstChild; file != null; file = file.next) {
            if (file.isCalled(wanted)) {
                return file;
            }
        }
        return null;
    }

    CardFile childDirectory(short wanted) {
        for (CardFile file = firstChild; file != null; file = file.next) {
            if (file.isDirectory() && file.isCalled(wanted)) {
                return file;
            }
        }
        return null;
    }

    CardFile byShortIdentifier(byte wanted) {
        CardFile implied = null;
        for (CardFile file = firstChild; file != null; file = file.next) {
            if (!file.isDirectory() && file.shortIdentifier == wanted) {
                if (file.shortIdentifierTagged) {
                    return file;
                }
                if (implied == null) {
                    implied = file;
                }
            }
        }
        return implied;
    }

    boolean hasRecord(short number) {
        return number >= 1 && number <= recordCount();
    }

    /** Returns the record after or before another, 0 being none; a cyclic file goes round. It need not exist. */
    short neighbour(short number, boolean forward) {
        short count = recordCount();
        if (number == 0) {
            return forward ? (short) 1 : count;
        }
        short other = (short) (forward ? number + 1 : number - 1);
        return structure == CYCLIC ? (short) ((other - 1 + count) % count + 1) : other;
    }

    /** Puts a new record 1 into a cyclic file; the oldest record, the last one, makes room. */
    void pushRecord(byte[] source, short offset) {
        Util.arrayCopy(content, (short) 0, content, recordLength, (short) (content.length - recordLength));
        Util.arrayCopy(source, offset, content, (short) 0, recordLength);
    }

    private short recordCount() {
        return (short) (content.length / recordLength);
    }
}
