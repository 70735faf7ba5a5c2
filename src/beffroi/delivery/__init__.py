"""How visitors reach applications: host names, certificates and the web server's rules."""
