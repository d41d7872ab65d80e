package org.crosswind.app.model

import org.junit.Assert.assertEquals
import org.junit.Test

class PresetsTest {
    private val presets = Presets(ModelCard.parse(CARD).features)
    private val texts = mapOf("depot" to "A", "town" to "X", "express" to "0", "way" to "1")

    @Test
    fun `the length of a way is that of the great circle`() {
        val (newYork, losAngeles) = Place(40.64, -73.779) to Place(33.943, -118.408)
        assertEquals(2475.0, newYork.distance(losAngeles, "miles"), 8.0)
        assertEquals(3983.0, newYork.distance(losAngeles, "km"), 12.0)
        assertEquals(newYork.distance(losAngeles, "km"), losAngeles.distance(newYork, "km"), 1e-9)
        assertEquals(0.0, newYork.distance(newYork, "km"), 0.0)
    }

    @Test
    fun `a change of an end changes the distance, and nothing else does`() {
        assertEquals(mapOf("way" to "5837"), presets.after("town", texts))
        assertEquals(presets.after("town", texts), presets.after("depot", texts))
        assertEquals(mapOf("way" to "6385"), presets.after("depot", texts + ("depot" to "B")))
        assertEquals(emptyMap<String, String>(), presets.after("express", texts))
        assertEquals(emptyMap<String, String>(), presets.after("way", texts))
    }

    @Test
    fun `a place that is not known has no distance`() {
        assertEquals(mapOf("way" to ""), presets.after("town", texts + ("town" to "Y")))
        assertEquals(mapOf("way" to ""), presets.after("depot", texts + ("town" to "")))
    }

    @Test
    fun `a short way has decimals where the feature has`() {
        fun near(dtype: Dtype): String {
            val features = ModelCard.parse(CARD).features.map {
                when (it.name) {
                    "town" -> it.copy(places = mapOf("X" to Place(48.9, 2.3522)))
                    "way" -> it.copy(dtype = dtype)
                    else -> it
                }
            }
            return Presets(features).after("town", texts).getValue("way")
        }
        assertEquals("4.83" to "5", near(Dtype.FLOAT32) to near(Dtype.INT64))
    }

    @Test
    fun `a card without distances fills in nothing`() {
        val plain = Presets(cardOf { !it.has("between") }.features)
        assertEquals(emptyMap<String, String>(), plain.after("town", texts))
    }
}
