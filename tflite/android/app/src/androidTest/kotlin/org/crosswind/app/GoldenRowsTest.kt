package org.crosswind.app

import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.test.platform.app.InstrumentationRegistry
import org.crosswind.app.model.GoldenResult
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith

/** On a device: the installed model gives the scores that it had when it was published. */
@RunWith(AndroidJUnit4::class)
class GoldenRowsTest {
    private val app = InstrumentationRegistry.getInstrumentation().targetContext.applicationContext as CrosswindApp

    @Test
    fun everyGoldenRowScoresAsPublished() {
        val results = app.predictor.getOrThrow().checkGolden()
        assertTrue("the card holds no golden rows", results.isNotEmpty())
        assertEquals(emptyList<GoldenResult>(), results.filterNot { it.passed })
    }
}
