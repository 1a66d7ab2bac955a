#!/bin/sh
# Keeps the node, and so the files of the functions, from the public IPFS network: it knows no peers,
# listens for none, announces nothing and fetches no configuration. Kubo's image runs this before
# each start of the daemon, from /container-init.d.
set -e
ipfs config --json AutoConf.Enabled false
ipfs config --json Bootstrap '[]'
ipfs config --json DNS.Resolvers '{}'
ipfs config --json Ipns.DelegatedPublishers '[]'
ipfs config --json Routing '{"Type":"none","DelegatedRouters":[]}'
ipfs config --json Provide.Enabled false
ipfs config --json Discovery.MDNS.Enabled false
ipfs config --json Addresses.Swarm '[]'
ipfs config --json Swarm.Transports.Network '{"QUIC":false,"WebTransport":false,"WebRTCDirect":false}'
ipfs config --json AutoTLS.Enabled false
ipfs config Plugins.Plugins.telemetry.Config.Mode off
# The gateway is not used. It would serve the files without a credential.
ipfs config --json Addresses.Gateway '[]'
