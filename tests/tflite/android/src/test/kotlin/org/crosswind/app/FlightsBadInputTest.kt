package org.crosswind.app

import org.crosswind.app.model.BadInput
import org.crosswind.app.model.Predictor
import org.crosswind.app.model.Reason
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized
import org.junit.runners.Parameterized.Parameters

/** Each wrong row: refused with the field's name, the reason, and what is allowed; the next right one is answered. */
@RunWith(Parameterized::class)
class FlightsBadInputTest(
    private val field: String,
    private val value: Any?,
    private val reason: Reason,
    private val words: String,
) {
    @Before
    fun onlyOfFlights() = Published.assumeFlights()

    @Test
    fun `a wrong value names its field`() {
        val golden = predictor.card.golden.first()
        val error = assertThrows(BadInput::class.java) { predictor.predict(golden.row + (field to value)) }
        assertEquals(field, error.field)
        assertEquals(reason, error.reason)
        assertTrue(error.message!!, error.message!!.startsWith("$field ") && words in error.message!!)
        assertEquals(golden.score.single(), predictor.predict(golden.row).single(), 1e-5f)
    }

    companion object {
        private val predictor: Predictor = Published.predictor()

        @JvmStatic
        @AfterClass
        fun close() = predictor.close()

        private fun case(field: String, value: Any?, reason: Reason, words: String) = arrayOf(field, value, reason, words)

        @JvmStatic
        @Parameters(name = "{index}: {0} = {1}")
        fun rows() = listOf(
            case("mood", 1, Reason.UNKNOWN_FIELD, "is no field of this model. Expected some of carrier, origin"),
            case("", "x", Reason.UNKNOWN_FIELD, "is no field of this model"),
            case("carrier", 7, Reason.WRONG_TYPE, "is 7. Expected a text, such as 9E, AA"),
            case("carrier", true, Reason.WRONG_TYPE, "Expected a text"),
            case("carrier", null, Reason.MISSING, "is missing. Expected a text"),
            case("carrier", "", Reason.MISSING, "is missing"),
            case("distance", "far", Reason.WRONG_TYPE, "is \"far\". Expected a number from 0"),
            case("distance", "1028", Reason.WRONG_TYPE, "Expected a number from 0"),
            case("distance", null, Reason.MISSING, "is missing. Expected a number"),
            case("distance", listOf(1.0), Reason.WRONG_TYPE, "Expected a number"),
            case("temp", Double.NaN, Reason.WRONG_TYPE, "leave it out where it is missing"),
            case("temp", Float.POSITIVE_INFINITY, Reason.WRONG_TYPE, "leave it out where it is missing"),
            case("temp", 1e300, Reason.WRONG_TYPE, "Expected a number"),
            case("temp", false, Reason.WRONG_TYPE, "Expected a number"),
            case("holiday", 0.5, Reason.WRONG_TYPE, "is 0.5. Expected an integer from 0"),
            case("holiday", 1.0, Reason.WRONG_TYPE, "Expected an integer"),
            case("holiday", true, Reason.WRONG_TYPE, "is true. Expected an integer"),
            case("holiday", "1", Reason.WRONG_TYPE, "Expected an integer"),
            case("holiday", null, Reason.MISSING, "is missing. Expected an integer"),
        )
    }
}
