"""Why no answer came: the words for it, and whether anything had been sent."""


def causes(error: BaseException) -> list[BaseException]:
    """List an exception and all that it wraps, outermost first, however requests and urllib3 nest it.

    Not ``__context__``: that is whatever its caller was handling just then, another call's failure perhaps.
    """
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            waiting += [*one.args, getattr(one, "reason", None), one.__cause__]
    return found


def describe_failure(error: BaseException) -> str:
    """Say in a few words why no answer came, without the URL and whatever its query holds."""
    kinds = {type(one).__name__ for one in causes(error)}
    for names, words in _FAILURE_WORDS:
        if kinds & names:
            return words
    return "the connection failed"


def nothing_was_sent(error: BaseException) -> bool:
    """Tell whether a failed call surely never reached the other side, so that even a POST may be repeated."""
    return any(type(one).__name__ in _NEVER_SENT for one in causes(error))


_NEVER_SENT = frozenset(
    {
        "NewConnectionError",
        "NameResolutionError",
        "ConnectTimeout",
        "ConnectTimeoutError",
        "SSLCertVerificationError",
    }
)
_FAILURE_WORDS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"AnswerTooLarge"}), "the answer was larger than accepted"),
    (frozenset({"AnswerTooSlow"}), "the answer took too long to arrive"),
    (frozenset({"NameResolutionError", "gaierror"}), "the name could not be found"),
    (frozenset({"ConnectionRefusedError"}), "the connection was refused"),
    (frozenset({"SSLCertVerificationError", "CertificateError"}), "the certificate was not accepted"),
    (frozenset({"ConnectTimeout"}), "no connection within the time allowed"),
    (frozenset({"ReadTimeout", "ReadTimeoutError", "TimeoutError"}), "no answer within the time allowed"),
    (frozenset({"SSLError"}), "the encrypted connection could not be made"),
    (frozenset({"ProxyError"}), "the proxy did not pass the call on"),
    (
        frozenset({"RemoteDisconnected", "ConnectionResetError", "BrokenPipeError", "IncompleteRead"}),
        "the connection was closed before the whole answer had come",
    ),
    (
        frozenset({"BadStatusLine", "LineTooLong", "InvalidHeader"}),
        "what answered does not speak HTTP properly",
    ),
    (frozenset({"DecodeError", "ContentDecodingError"}), "the answer's compression was broken"),
    (frozenset({"InvalidURL", "MissingSchema", "InvalidSchema", "ValueError"}), "the address is not valid"),
)
