"""How a request is refused: with TensorFlow Serving's codes, over gRPC and over REST."""

from grpc import StatusCode

from components.shared.errors import CrosswindError

# tensorflow_serving/model_servers/http_server.cc, ToHTTPStatusCode: what the REST API answers for a code. Of several codes with
# one status a client takes the first.
HTTP = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ABORTED: 409,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.CANCELLED: 499,
    StatusCode.INTERNAL: 500,
    StatusCode.UNKNOWN: 500,
    StatusCode.DATA_LOSS: 500,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}


class Refused(CrosswindError):
    """A request that gets no answer, by gRPC's status code; REST answers with `HTTP[code]`."""

    def __init__(self, code: StatusCode, message: str):
        super().__init__(message)
        self.code = code

    @property
    def title(self) -> str:
        """The status code's name, as clients of gRPC know it."""
        return self.code.name


def invalid(message: str) -> Refused:
    """Return the error for a request that is wrong in itself; sending it again will not help."""
    return Refused(StatusCode.INVALID_ARGUMENT, message)
