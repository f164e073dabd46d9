"""What Triton's clients raise when the server refuses."""

import pytest
from tritonclient.utils import InferenceServerException


def refused(call) -> InferenceServerException:
    """The refusal that a call ends with. Fails when it is answered."""
    with pytest.raises(InferenceServerException) as caught:
        call()
    return caught.value
