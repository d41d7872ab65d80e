package org.crosswind.app

import android.widget.Spinner
import org.crosswind.app.model.Words
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Before
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.annotation.Config

/** The screen with the model of the flights: their words, their route, their numbers. */
@RunWith(ScreenTestRunner::class)
@App("target/screens.apk")
@Config(sdk = [24, 35], qualifiers = "w360dp-h740dp-xhdpi")
class FlightsScreenTest {
    private val controller = Robolectric.buildActivity(MainActivity::class.java).setup()
    private val page get() = FormPage(controller.get())

    @Before
    fun onlyOfFlights() = Published.assumeFlights()

    @Test
    fun `every field and every code has words`() {
        assertNotEquals("neutral", Words(), Published.card.words)
        assertTrue(page.fields.all { it.label != it.name })
        for ((name, code, words) in listOf(Triple("carrier", "UA", "United"), Triple("dest", "IAH", "Houston"))) {
            val spinner = page.input(name) as Spinner
            val shown = List(spinner.count) { spinner.getItemAtPosition(it).toString() }.drop(1)
            assertTrue("$shown", shown.all { it.length > "$code  ".length } && shown.any { it.startsWith(code) && words in it })
        }
    }

    @Test
    fun `route and times only are not folded away, and the route fills in the distance`() {
        val shown = listOf("carrier", "origin", "dest", "departure_minute", "arrival_minute", "weekday", "holiday")
        assertEquals(shown, page.fields.filterNot { it.more }.map { it.name })
        for ((row, _) in Published.rows("needed")) {
            page.enterNeeded(row, distances = false)
            val miles = (row["distance"] as Number).toDouble() // the data's length is not the great circle's to the mile
            assertEquals(miles, page.edit("distance").text.toString().toDouble(), 10.0)
        }
    }

    @Test
    fun `a number that is none, out of range or missing is refused, with the field and what it takes`() {
        page.enterNeeded(Published.card.golden.first().row)
        for ((text, words) in listOf("." to "not a number", "6000.5" to "0 to 6000", "" to "fill this in")) {
            page.type("distance", text)
            page.tap(R.id.predict)
            val error = page.edit("distance").error?.toString().orEmpty()
            assertTrue("\"$text\" got \"$error\"", error.startsWith("Distance") && words in error)
            assertTrue(page.edit("distance").isShown && page.edit("distance").isFocused)
            assertFalse(page.shows(R.id.result))
        }
        page.type("distance", "1028")
        page.tap(R.id.predict)
        assertNull(page.edit("distance").error)
        assertTrue(page.shows(R.id.result))
    }

    @Test
    fun `letters do not get into a number, a sign only where there is less than nothing`() {
        page.type("distance", "-1o2")
        page.type("temp", "-40")
        assertEquals(listOf("12", "-40"), listOf("distance", "temp").map { page.edit(it).text.toString() })
    }

    @Test
    fun `another route has another distance`() {
        page.enter("origin", "JFK")
        page.enter("dest", "LAX")
        assertEquals(2475.0, page.edit("distance").text.toString().toDouble(), 10.0)
    }

    @Test
    fun `rotated before there is an answer, it has none`() {
        page.enterNeeded(Published.card.golden.first().row)
        page.tap(R.id.predict)
        page.type("distance", "77")
        controller.recreate().visible()
        FormPage.settle()
        assertTrue(page.shows(R.id.form))
        assertFalse(page.shows(R.id.result))
        assertEquals("77", page.shown()["distance"])
    }
}
