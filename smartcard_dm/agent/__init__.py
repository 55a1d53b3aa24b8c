"""The agent: a card's accounts and verdicts for other programs on this machine, for as long as the card is there.

Guarantees: nothing of a card is served once the card has left. Leaves to its caller: who may ask.
"""
