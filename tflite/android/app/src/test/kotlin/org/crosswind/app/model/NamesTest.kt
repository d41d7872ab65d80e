package org.crosswind.app.model

import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class NamesTest {
    private val names = Names(
        listOf("UA|United Airlines", "JFK|New York John F. Kennedy|40.64|-73.779", "LAX|Los Angeles|33.943|-118.408"),
    )

    @Test
    fun `a code has words, or none`() {
        assertEquals("United Airlines", names["UA"])
        assertEquals("Los Angeles", names["LAX"])
        assertNull(names["XXX"])
    }

    @Test
    fun `the length of a route is that of the great circle`() {
        assertEquals(2475.0, names.miles("JFK", "LAX")!!, 8.0) // as in the data
        assertEquals(names.miles("JFK", "LAX"), names.miles("LAX", "JFK"))
        assertEquals(0.0, names.miles("JFK", "JFK")!!, 0.0)
    }

    @Test
    fun `a place that is not known has no distance`() {
        assertNull(names.miles("JFK", "XXX"))
        assertNull(names.miles("UA", "JFK"))
    }

    @Test
    fun `a change of the route changes the distance, and nothing else does`() {
        val presets = Presets(names)
        val texts = mapOf("origin" to "JFK", "dest" to "LAX", "carrier" to "UA", "distance" to "1")
        assertEquals(mapOf("distance" to "2469"), presets.after("dest", texts))
        assertEquals(presets.after("dest", texts), presets.after("origin", texts))
        assertEquals(emptyMap<String, String>(), presets.after("carrier", texts))
        assertEquals(mapOf("distance" to ""), presets.after("dest", texts + ("dest" to "XXX")))
        assertEquals(mapOf("distance" to ""), presets.after("origin", texts + ("dest" to "")))
        assertEquals(emptyMap<String, String>(), presets.after("dest", texts - "distance"))
        assertEquals(emptyMap<String, String>(), presets.after("dest", mapOf("line" to "A")))
    }
}
