package org.crosswind.app.model

import org.junit.Assert.assertEquals
import org.junit.Test

class VerdictTest {
    private fun verdicts(threshold: Float, baseRate: Float, vararg probabilities: Float): List<Verdict> =
        probabilities.map { Verdict.of(it, Task.Binary(threshold, baseRate)) }

    @Test
    fun `the card's base rate and threshold part the verdicts`() {
        val expected = listOf(
            Verdict.BELOW_AVERAGE,
            Verdict.BELOW_AVERAGE,
            Verdict.ABOVE_AVERAGE,
            Verdict.ABOVE_AVERAGE,
            Verdict.YES,
            Verdict.YES,
        )
        assertEquals(expected, verdicts(0.4f, 0.1f, 0f, 0.099f, 0.1f, 0.399f, 0.4f, 1f))
    }

    @Test
    fun `27 percent is little where one in three is a yes, and much where one in ten is`() {
        assertEquals(listOf(Verdict.BELOW_AVERAGE), verdicts(0.5f, 0.33f, 0.27f))
        assertEquals(listOf(Verdict.ABOVE_AVERAGE), verdicts(0.5f, 0.1f, 0.27f))
    }

    @Test
    fun `from a threshold below the base rate on the answer is yes all the same`() {
        assertEquals(listOf(Verdict.BELOW_AVERAGE, Verdict.YES, Verdict.YES), verdicts(0.2f, 0.3f, 0.19f, 0.2f, 0.4f))
    }

    @Test
    fun `the card words them`() {
        val card = ModelCard.parse(CARD)
        val words = listOf("Risk below average", "Risk above average", "Wrap it twice")
        assertEquals(words, Verdict.entries.map { it.words(card) })
    }
}
