package io.heddle.clients;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A way to a port of this machine. It holds every answer back until its first break. */
final class LossyLink implements AutoCloseable {

  private final int target;
  private final ServerSocket server;
  private final AtomicInteger accepted = new AtomicInteger();
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean answered;
  private volatile boolean cut;

  LossyLink(int target) throws IOException {
    this.target = target;
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  /** Connections that were made. */
  int accepted() {
    return accepted.get();
  }

  /** Whether something has been answered; the client has not seen it. */
  boolean answered() {
    return answered;
  }

  /** Breaks every connection there is; new ones can be made, and nothing is lost on them. */
  void cut() {
    cut = true;
    sockets.forEach(LossyLink::close);
    sockets.clear();
  }

  @Override
  public void close() throws IOException {
    server.close();
    cut();
  }

  private void accept() {
    try {
      while (true) {
        Socket near = server.accept();
        boolean silent = !cut;
        accepted.incrementAndGet();
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(near);
        sockets.add(far);
        start(() -> pass(near, far, false));
        start(() -> pass(far, near, silent));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private void pass(Socket from, Socket to, boolean silent) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] some = new byte[8192];
      for (int count = in.read(some); count >= 0; count = in.read(some)) {
        if (silent) {
          answered = true;
        } else {
          out.write(some, 0, count);
          out.flush();
        }
      }
    } catch (IOException e) {
      // Broken, as it is meant to be.
    }
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work);
    thread.setDaemon(true);
    thread.start();
  }

  private static void close(Socket socket) {
    try {
      // Not an orderly end.
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // It is closed.
    }
  }
}
