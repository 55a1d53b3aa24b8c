package org.smartcarddm.card;

import javacard.framework.ISOException;
import javacard.framework.JCSystem;

/**
 * Logical channels and what is selected on each. Spec: TS 102 221, 8.7.
 *
 * <p>jCardSim has no logical channels: it hands every class octet to the applet on its basic channel, MANAGE CHANNEL
 * included. So the applet keeps them. All arrays are cleared at reset, which leaves the basic channel with the MF.
 */
final class Channels {
    /** File identifier that stands for the active application's directory. */
    static final short APPLICATION_IDENTIFIER = 0x7FFF;

    private static final short MF_IDENTIFIER = 0x3F00;
    private static final short MOST = 20;

    private final CardFile mf;
    private final short limit;
    private final boolean[] opened;
    /** Current directory; null: the MF. */
    private final Object[] directories;
    private final Object[] files;
    /** Active application, which stays while other directories are selected. */
    private final Object[] applications;
    /** Record pointers, from 1; 0: not set. */
    private final short[] records;

    Channels(CardFile mf, short limit) {
        this.mf = mf;
        this.limit = limit;
        opened = JCSystem.makeTransientBooleanArray(MOST, JCSystem.CLEAR_ON_RESET);
        directories = JCSystem.makeTransientObjectArray(MOST, JCSystem.CLEAR_ON_RESET);
        files = JCSystem.makeTransientObjectArray(MOST, JCSystem.CLEAR_ON_RESET);
        applications = JCSystem.makeTransientObjectArray(MOST, JCSystem.CLEAR_ON_RESET);
        records = JCSystem.makeTransientShortArray(MOST, JCSystem.CLEAR_ON_RESET);
    }

    boolean isOpen(short channel) {
        return channel == 0 || opened[channel];
    }

    void requireOpen(short channel) {
        if (channel >= MOST || !isOpen(channel)) {
            ISOException.throwIt(Status.CHANNEL_NOT_SUPPORTED);
        }
    }

    void requireFree(short channel) {
        if (channel >= limit || isOpen(channel)) {
            ISOException.throwIt(Status.CHANNEL_NOT_SUPPORTED);
        }
    }

    short firstFree() {
        short channel = 1;
        while (channel < limit && opened[channel]) {
            channel++;
        }
        requireFree(channel);
        return channel;
    }

    /** Opens a channel: the MF is selected, or from another than the basic channel what is selected there, no EF. */
    void open(short channel, short origin) {
        opened[channel] = true;
        directories[channel] = origin == 0 ? null : directories[origin];
        applications[channel] = origin == 0 ? null : applications[origin];
        files[channel] = null;
        records[channel] = 0;
    }

    void close(short channel) {
        opened[channel] = false;
    }

    CardFile directory(short channel) {
        return directories[channel] == null ? mf : (CardFile) directories[channel];
    }

    /** Returns the current EF, or null. */
    CardFile file(short channel) {
        return (CardFile) files[channel];
    }

    /** Returns the active application's directory, or null. */
    CardFile application(short channel) {
        return (CardFile) applications[channel];
    }

    short record(short channel) {
        return records[channel];
    }

    void setRecord(short channel, short record) {
        records[channel] = record;
    }

    void setApplication(short channel, CardFile application) {
        applications[channel] = application;
    }

    /** Finds the MF, the active application, children, the directory itself, its parent and its neighbours. */
    CardFile find(short channel, short wanted) {
        if (wanted == MF_IDENTIFIER) {
            return mf;
        }
        if (wanted == APPLICATION_IDENTIFIER) {
            return application(channel);
        }
        CardFile here = directory(channel);
        CardFile child = here.child(wanted);
        if (child != null) {
            return child;
        }
        if (here.isCalled(wanted)) {
            return here;
        }
        return here.parent.isCalled(wanted) ? here.parent : here.parent.childDirectory(wanted);
    }

    /** Selects a file; the record pointer of a cyclic file begins at its newest record, others are not set. */
    void select(short channel, CardFile file) {
        directories[channel] = file.isDirectory() ? file : file.parent;
        files[channel] = file.isDirectory() ? null : file;
        records[channel] = (short) (file.structure == CardFile.CYCLIC ? 1 : 0);
    }
}
