"""The practice plugin: a small venue of its own behind the FMZ custom protocol.

``exchange.CustomExchange`` is the venue with its accounts, ``plugin.Plugin`` translates between it and the
protocol, ``server.PluginServer`` answers on a port of its own, ``face.CustomFace`` puts them together.
"""
