"""What a message is pushed in: WSP and short messages, HTTP, SIP; built, parsed, sent and listened for.

Guarantees: octets of strangers are bounded before they are kept; what proved a transport's security is said in its
record, never assumed. Leaves to its caller: what a message means, and whether it is authorized.

Spec: OMA-TS-DM_Sessionless 5.3; design decision D9.
"""
