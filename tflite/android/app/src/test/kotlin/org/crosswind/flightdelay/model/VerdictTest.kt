package org.crosswind.flightdelay.model

import org.junit.Assert.assertEquals
import org.junit.Test

class VerdictTest {
    @Test
    fun `the card's threshold and half of it part the verdicts`() {
        val verdicts = listOf(0f, 0.199f, 0.2f, 0.399f, 0.4f, 1f).map { Verdict.of(it, threshold = 0.4f) }
        val expected = listOf(
            Verdict.ON_TIME,
            Verdict.ON_TIME,
            Verdict.MAYBE_LATE,
            Verdict.MAYBE_LATE,
            Verdict.LATE,
            Verdict.LATE,
        )
        assertEquals(expected, verdicts)
    }
}
