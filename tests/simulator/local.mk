# The vendor, played by a real HTTPS server.
