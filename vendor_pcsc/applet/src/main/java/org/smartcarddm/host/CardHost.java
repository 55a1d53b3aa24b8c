package org.smartcarddm.host;

import com.licel.jcardsim.base.Simulator;
import com.licel.jcardsim.utils.AIDUtil;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.util.HexFormat;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import org.smartcarddm.card.CardApplet;

/**
 * Runs one card under jCardSim and answers frames on standard input and output.
 *
 * <p>A frame is a length (four octets, big endian) and that many octets. The first octet of a frame from the parent
 * is its kind: 'A', followed by a command APDU, 'R', reset, or 'N', a new card in place of this one. Each frame is
 * answered by one frame: the response APDU, or for the other two the status word of the applet's own selection.
 *
 * <p>The process ends when standard input does, so that it never outlives the parent that holds the other end.
 */
public final class CardHost {
    private static final int APDU = 'A';
    private static final int RESET = 'R';
    private static final int NEW = 'N';
    private static final int MAX_FRAME = 1 << 17;

    private final Simulator simulator = new Simulator();
    private final AID own;
    private final byte[] selectOwn;

    private CardHost() {
        byte[] aid = CardApplet.aid();
        own = AIDUtil.create(aid);
        simulator.installApplet(own, CardApplet.class);
        // Data come with the response; the applet itself does what a profile with T=0 asks for.
        simulator.changeProtocol("T=1");
        selectOwn = HexFormat.of().parseHex("00A40400" + HexFormat.of().toHexDigits((byte) aid.length)
                + HexFormat.of().formatHex(aid));
    }

    /**
     * Answers frames until standard input ends.
     *
     * @param arguments none are taken
     * @throws IOException a frame is cut off or too long, or the parent no longer reads
     */
    public static void main(String[] arguments) throws IOException {
        // Whatever the runtime prints must not come between frames.
        System.setOut(System.err);
        CardHost host = new CardHost();
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
                DataOutputStream out =
                        new DataOutputStream(new BufferedOutputStream(new FileOutputStream(FileDescriptor.out)))) {
            byte[] frame = read(in);
            while (frame.length != 0) {
                byte[] response = host.answer(frame);
                out.writeInt(response.length);
                out.write(response);
                out.flush();
                frame = read(in);
            }
        }
    }

    /** Returns the next frame; an empty one is the end. */
    private static byte[] read(DataInputStream in) throws IOException {
        int length;
        try {
            length = in.readInt();
        } catch (EOFException end) {
            return new byte[0];
        }
        if (length < 1 || length > MAX_FRAME) {
            throw new IOException("frame of " + length + " octets");
        }
        byte[] frame = new byte[length];
        in.readFully(frame);
        return frame;
    }

    private byte[] answer(byte[] frame) throws IOException {
        if (frame[0] == NEW) {
            simulator.resetRuntime();
            simulator.installApplet(own, CardApplet.class);
        }
        if (frame[0] == NEW || frame[0] == RESET) {
            simulator.reset();
            // The runtime selects no applet by default; a UICC has its file system selected after a reset.
            return simulator.transmitCommand(selectOwn);
        }
        if (frame[0] != APDU) {
            throw new IOException("frame of kind " + frame[0]);
        }
        byte[] apdu = new byte[frame.length - 1];
        System.arraycopy(frame, 1, apdu, 0, apdu.length);
        try {
            return simulator.transmitCommand(apdu);
        } catch (IllegalArgumentException | IndexOutOfBoundsException notAnApdu) {
            // The runtime throws where the lengths of an APDU do not agree; what is wrong inside the applet it
            // answers itself.
            return statusWord(ISO7816.SW_WRONG_LENGTH);
        }
    }

    private static byte[] statusWord(short word) {
        return new byte[] {(byte) (word >> 8), (byte) word};
    }
}
