"""How long the proxy, a training step, large pictures and the command's help take."""
