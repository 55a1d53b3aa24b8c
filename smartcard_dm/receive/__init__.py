"""What came over a push gets its verdict: verified against a card or applied to a tree, one at a time.

Guarantees: every document and every refused envelope has one outcome and one row in an audit; nothing that was taken is
lost when the receiver ends in order. Leaves to its caller: listening, and telling anybody.
"""
