package org.smartcarddm.card;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacardx.apdu.ExtendedLength;

/**
 * A card file system: personalised over APDUs, then a UICC, a SIM, or either.
 *
 * <p>It is one applet with an identifier of its own. The runtime looks up SELECT by AID among its applets first and
 * hands what it does not know to the applet selected now, so the applications of the card are this applet's business.
 */
public final class CardApplet extends Applet implements ExtendedLength {
    private static final byte VERIFY = 0x20;
    private static final byte CHANGE_PIN = 0x24;
    private static final byte DISABLE_PIN = 0x26;
    private static final byte ENABLE_PIN = 0x28;
    private static final byte UNBLOCK_PIN = 0x2C;
    private static final byte MANAGE_CHANNEL = 0x70;
    private static final byte SELECT = (byte) 0xA4;
    private static final byte READ_BINARY = (byte) 0xB0;
    private static final byte READ_RECORD = (byte) 0xB2;
    private static final byte UPDATE_BINARY = (byte) 0xD6;
    private static final byte UPDATE_RECORD = (byte) 0xDC;
    private static final byte STATUS = (byte) 0xF2;

    /** F0 (proprietary, no registered provider) and "SCDMFS". */
    private static final byte[] OWN_AID = {(byte) 0xF0, 'S', 'C', 'D', 'M', 'F', 'S'};

    private final Exchange exchange = new Exchange();
    private final Card card = new Card();
    private final Personalisation personalisation = new Personalisation(card, exchange);
    private SelectCommands selecting;
    private FileCommands reading;
    private PinCommands verifying;
    private SimCommands sim;
    // What is forgotten at reset: whether the applet was selected, and of a card of either kind what it is now.
    private static final byte AWAKE = 0;
    private static final byte DECIDED = 1;
    private static final byte UNDECIDED = 0;
    private static final byte IS_SIM = 1;
    private static final byte IS_UICC = 2;
    private final byte[] session = JCSystem.makeTransientByteArray((short) 2, JCSystem.CLEAR_ON_RESET);

    private CardApplet() {
        register();
    }

    /**
     * Installs the applet.
     *
     * @param parameters not used
     * @param offset not used
     * @param length not used
     */
    public static void install(byte[] parameters, short offset, byte length) {
        new CardApplet();
    }

    /**
     * Returns the identifier under which the host installs and selects the applet.
     *
     * @return a new copy
     */
    public static byte[] aid() {
        return OWN_AID.clone();
    }

    @Override
    public void process(APDU apdu) {
        if (session[AWAKE] == 0) {
            // The host's own selection after a reset. Later ones are commands of the terminal to the card.
            session[AWAKE] = 1;
            return;
        }
        exchange.receive(apdu);
        if (!card.sealed) {
            personalise();
            return;
        }
        if (kindNow() == Card.SIM) {
            sim.run();
            return;
        }
        exchange.readLengths();
        exchange.readClass();
        card.channels.requireOpen(exchange.channel);
        if (!exchange.fetch()) {
            run();
        }
    }

    /** A card that can be either kind is what the class of the first command says, until the next reset. */
    private byte kindNow() {
        if (card.kind != Card.EITHER) {
            return card.kind;
        }
        byte cla = exchange.buffer[ISO7816.OFFSET_CLA];
        if (session[DECIDED] == UNDECIDED && cla == SimCommands.CLASS) {
            session[DECIDED] = IS_SIM;
        } else if (session[DECIDED] == UNDECIDED && Exchange.isUiccClass(cla)) {
            session[DECIDED] = IS_UICC;
        }
        return session[DECIDED] == IS_SIM ? Card.SIM : Card.UICC;
    }

    private void personalise() {
        if (personalisation.run()) {
            selecting = new SelectCommands(card, exchange);
            reading = new FileCommands(card, exchange);
            verifying = new PinCommands(card, exchange);
            sim = new SimCommands(card, exchange);
        }
    }

    private void run() {
        switch (exchange.instruction) {
            case SELECT:
                requireProprietary(false);
                selecting.select();
                break;
            case STATUS:
                requireProprietary(true);
                selecting.status();
                break;
            case MANAGE_CHANNEL:
                requireProprietary(false);
                selecting.manageChannel();
                break;
            case READ_BINARY:
                requireProprietary(false);
                reading.readBinary();
                break;
            case UPDATE_BINARY:
                requireProprietary(false);
                reading.updateBinary();
                break;
            case READ_RECORD:
                requireProprietary(false);
                reading.readRecord();
                break;
            case UPDATE_RECORD:
                requireProprietary(false);
                reading.updateRecord();
                break;
            case VERIFY:
                requireProprietary(false);
                verifying.verify();
                break;
            case CHANGE_PIN:
                requireProprietary(false);
                verifying.change();
                break;
            case DISABLE_PIN:
                requireProprietary(false);
                verifying.disable();
                break;
            case ENABLE_PIN:
                requireProprietary(false);
                verifying.enable();
                break;
            case UNBLOCK_PIN:
                requireProprietary(false);
                verifying.unblock();
                break;
            default:
                ISOException.throwIt(Status.UNKNOWN_INSTRUCTION);
        }
    }

    private void requireProprietary(boolean wanted) {
        if (exchange.proprietary != wanted) {
            ISOException.throwIt(Status.UNKNOWN_CLASS);
        }
    }
}
